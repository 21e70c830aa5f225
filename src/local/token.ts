// `npm run -s token`: logs in as a person would and prints the access token, and only that, for use in a shell.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fetchAccessToken, LoginError } from './login/authorization-code.ts';

const CA_FILE = '.local/ca/ca.crt';

const HELP = `Usage: npm run -s token [-- OPTION...]

Logs in with the authorization code flow (PKCE) and prints the access token.

  --issuer URL         default https://localhost:8443/realms/my-realm
  --client-id ID       default mcp-client
  --user NAME          default eitan
  --password PASSWORD  default: the variable PASSWORD, or "test"
  --scope "SCOPE..."   default "openid echo-mcp-server"
  --resource URL       the resource that the token is for (RFC 8707); default: none
  --redirect-uri URL   one that the client is allowed; it is never opened
  --ca-file FILE       CA of the server's certificate; default ${CA_FILE}
  --help

Example: curl --cacert ${CA_FILE} -H "Authorization: Bearer $(npm run -s token)" https://localhost:8001/mcp
`;

/** Something for people: the message alone. */
class UsageError extends Error {}

async function main(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const values = readArguments(args);
  if (values.help) return void process.stdout.write(HELP);
  const { access_token: token } = await fetchAccessToken({
    issuer: values.issuer,
    clientId: values['client-id'],
    user: values.user,
    password: values.password ?? environment['PASSWORD'] ?? 'test',
    scope: values.scope,
    resource: values.resource,
    redirectUri: values['redirect-uri'],
    ca: await readAuthority(values['ca-file']),
  });
  process.stdout.write(`${token}\n`);
}

function readArguments(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args,
      options: {
        issuer: { ...text, default: 'https://localhost:8443/realms/my-realm' },
        'client-id': { ...text, default: 'mcp-client' },
        user: { ...text, default: 'eitan' },
        password: text,
        scope: { ...text, default: 'openid echo-mcp-server' },
        resource: text,
        'redirect-uri': text,
        'ca-file': text,
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A file that was named must be there; the default one only exists in local mode. */
async function readAuthority(named: string | undefined): Promise<string | undefined> {
  const file = named ?? CA_FILE;
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (named === undefined && error.code === 'ENOENT') return undefined;
    throw new LoginError(
      'ERR_CERTIFICATE',
      `cannot read the CA file ${file}: ${error.code ?? error.message}`,
    );
  });
  if (pem !== undefined) checkAuthority(file, pem);
  return pem;
}

function checkAuthority(file: string, pem: string): void {
  const advice = 'restart the local server (npm start) to have it made again, or name another with --ca-file';
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new LoginError('ERR_CERTIFICATE', `${file} holds no certificate: ${advice}`);
  }
  if (certificate.validToDate < new Date()) {
    throw new LoginError('ERR_CERTIFICATE', `the CA in ${file} expired on ${certificate.validTo}: ${advice}`);
  }
}

try {
  await main(process.argv.slice(2), process.env);
} catch (error) {
  const usage = error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`token: ${message}\n${usage ? 'Try: npm run -s token -- --help\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
}
