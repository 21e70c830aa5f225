// The command line -> options, or what is wrong with it. Credentials are not among them: others can read a command line.
import { parseArgs } from 'node:util';

export const USAGE = `Usage: realm [OPTION...]

Creates and maintains a Keycloak realm for MCP clients from a configuration file. Writes only differences, deletes
nothing, and can be run again at any time.

  --config FILE  YAML or JSON (default /etc/keycloak-realm/config/config.yaml)
  --dry-run      print what would be created and changed, and write nothing
  --help         print this

Exit codes: 0 success; 2 invalid configuration; 3 Keycloak unreachable; 4 certificate not trusted; 5 wrong credentials;
6 missing role; 7 rejected by Keycloak; 1 anything else.
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
