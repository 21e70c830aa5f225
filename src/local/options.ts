// The command line of `npm start` -> options, or what is wrong with it. Reads no file and starts nothing.
import { parseArgs } from 'node:util';
import { isLoopback } from '../protocol/host.ts';

export const DEFAULT_FILE = 'manifests/samples/echo.yaml';

export const USAGE = `Usage: npm start [FILE…] [-- OPTION…]

Runs a ProtectedMcpServer on this machine: the MCP server, the sidecar in front of it and, where the issuer is on
localhost, an authorization server. FILE is Kubernetes YAML: one ProtectedMcpServer and the ConfigMaps and Secrets that
it refers to. Default: ${DEFAULT_FILE}

  --upstream URL     protect an MCP server that is already running, such as http://127.0.0.1:3000/mcp
  --issuer URL       use this authorization server instead of those in FILE; requires --audience
  --audience NAME    audience (aud) that tokens of --issuer must have
  --scope NAME       scope that clients should request from --issuer; may be repeated
  --ca-file FILE     PEM bundle with the CA of --issuer, if it is not publicly trusted
  --name NAME        which ProtectedMcpServer to run, if the files hold several
  --admin-port PORT  port of the sidecar's admin listener on 127.0.0.1 (default 9001)
  --render           print the Kubernetes objects that would run, and start nothing
  --help             print this
`;

export interface LocalOptions {
  readonly files: readonly string[];
  readonly upstream: URL | undefined;
  readonly issuer: IssuerOptions | undefined;
  readonly name: string | undefined;
  readonly adminPort: number | undefined;
  readonly render: boolean;
  readonly help: boolean;
}

interface IssuerOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly caFile: string | undefined;
}

type ParsedOptions =
  | { readonly ok: true; readonly options: LocalOptions }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the arguments after `npm start`; all problems at once. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    // parseArgs names the option; its second sentence is about positional arguments and does not help here.
    return { ok: false, problems: [(error as Error).message.split('. ')[0] ?? ''] };
  }
  const { values, positionals } = parsed;
  const problems: string[] = [];
  const upstream = parseUpstream(values.upstream, problems);
  const adminPort = parsePort(values['admin-port'], problems);
  const issuer = parseIssuer(values, problems);
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    options: {
      files: positionals.length > 0 ? positionals : [DEFAULT_FILE],
      upstream,
      issuer,
      name: values.name,
      adminPort,
      render: values.render,
      help: values.help,
    },
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      upstream: { type: 'string' },
      issuer: { type: 'string' },
      audience: { type: 'string' },
      scope: { type: 'string', multiple: true },
      'ca-file': { type: 'string' },
      name: { type: 'string' },
      'admin-port': { type: 'string' },
      render: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

function parseUpstream(value: string | undefined, problems: string[]): URL | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (
    url?.protocol === 'http:' &&
    isLoopback(url.hostname) &&
    url.port !== '' &&
    url.username === '' &&
    url.search === '' &&
    url.hash === ''
  )
    return url;
  problems.push(
    `--upstream ${value}: must be an http:// URL with a port on this machine, such as http://127.0.0.1:3000/mcp`,
  );
  return undefined;
}

function parsePort(value: string | undefined, problems: string[]): number | undefined {
  if (value === undefined) return undefined;
  const port = Number(value);
  if (/^\d+$/.test(value) && port >= 1 && port <= 65535) return port;
  problems.push(`--admin-port ${value}: must be a number from 1 to 65535`);
  return undefined;
}

function parseIssuer(
  values: { issuer?: string; audience?: string; scope?: string[]; 'ca-file'?: string },
  problems: string[],
): IssuerOptions | undefined {
  const { issuer, audience, scope = [], 'ca-file': caFile } = values;
  if (issuer !== undefined && !/^https:\/\/[^/?#@]+(\/[^?#]*)?$/.test(issuer)) {
    problems.push(
      `--issuer ${issuer}: must be an https:// URL without query and fragment, exactly as in the metadata of the issuer`,
    );
  }
  if (issuer !== undefined && audience === undefined) {
    problems.push('--issuer requires --audience: the audience (aud) of the tokens of that issuer');
  }
  if (issuer === undefined) {
    const given = Object.entries({ '--audience': audience, '--scope': scope[0], '--ca-file': caFile });
    for (const [name, value] of given) if (value !== undefined) problems.push(`${name} requires --issuer`);
  }
  return issuer === undefined || audience === undefined
    ? undefined
    : { issuer, audience, scopes: scope, caFile };
}
