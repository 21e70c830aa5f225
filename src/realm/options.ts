// The command line -> options, or what is wrong with it. Credentials are not among them: others can read a command line.
import { parseArgs } from 'node:util';

export const USAGE = `Usage: realm [OPTION...]

Makes and keeps a Keycloak realm for MCP clients, as a configuration file says. Writes only what differs, deletes
nothing, and can be run again at any time.

  --config FILE  YAML or JSON (default /etc/keycloak-realm/config/config.yaml)
  --dry-run      print what would be created and changed, and write nothing
  --help         print this

Exit codes: 0 all is as it should be; 2 configuration; 3 Keycloak cannot be reached; 4 its certificate is not trusted;
5 wrong credentials; 6 a role is missing; 7 Keycloak refuses; 1 anything else.
`;

interface RealmOptions {
  readonly config: string;
  readonly dryRun: boolean;
  readonly help: boolean;
}

type ParsedOptions =
  { readonly ok: true; readonly options: RealmOptions } | { readonly ok: false; readonly problem: string };

export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', default: '/etc/keycloak-realm/config/config.yaml' },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return { ok: true, options: { config: values.config, dryRun: values['dry-run'], help: values.help } };
  } catch (error) {
    // parseArgs names the option in its first sentence.
    return { ok: false, problem: (error as Error).message.split('. ')[0] ?? '' };
  }
}
