// Situations with tokens of a real authorization server, from the first request of a client to web pages and odd paths.
import { runClient, type ClientRequest } from './programs.ts';
import type { Pair } from './pair.ts';
import type { Python } from './python.ts';
import type { Side } from './side.ts';
import {
  bearer,
  echoed,
  initialize,
  legacySession,
  modernCalls,
  tellOf,
  told,
  type Situation,
} from './situation.ts';

/** Access tokens, and what people send in place of one. */
export interface Tokens {
  readonly good: string;
  /** Of the same login: says who logged in, and is for the client. */
  readonly idToken: string;
  /** Of a login that did not ask for the scope that brings the audience. */
  readonly otherAudience: string;
  /** Of another authorization server, with the right audience. */
  readonly otherIssuer: string;
}

export interface RealWorld {
  readonly tokens: Tokens;
  readonly pair: Pair;
  readonly python: Python;
  /** Where the client with a given client id listens for the end of its login. */
  readonly callbackPort: number;
}

type Real = Situation<RealWorld>;

const METADATA = '/.well-known/oauth-protected-resource/mcp';
const ORIGIN = 'http://localhost:6274';

const noToken: Real[] = [
  { name: 'POST: status', see: async (side) => told(await side.send(initialize)) },
  {
    name: 'POST: `WWW-Authenticate`',
    see: async (side) => {
      const challenge = (await side.send(initialize)).headers['www-authenticate'];
      return `\`${String(challenge).replace(METADATA, '/…/mcp')}\``;
    },
    why: 'Also names the scopes to ask for, so that the first login brings a good token.',
  },
  {
    name: 'POST: body',
    see: async (side) => {
      const { body } = await side.send(initialize);
      return body === '' ? 'empty' : `\`${body}\``;
    },
    why: 'What FastMCP sent up to 2.14.',
  },
  { name: 'GET', see: async (side) => told(await side.send({ method: 'GET' })) },
  { name: 'DELETE', see: async (side) => told(await side.send({ method: 'DELETE' })) },
  {
    name: '`Authorization: Basic …`',
    see: async (side) => told(await side.send(withHeaders({ Authorization: 'Basic YTpi' }))),
  },
];

const metadata: Real[] = [
  ...['resource', 'authorization_servers', 'bearer_methods_supported'].map((member) => ({
    name: `\`${member}\``,
    see: (side: Side) => metadataMember(side, member),
  })),
  {
    name: '`scopes_supported`',
    see: (side) => metadataMember(side, 'scopes_supported'),
    why: 'From `scopesSupported`; FastMCP publishes the same when it is given `scopes_supported`.',
  },
  {
    name: 'at the root path',
    see: async (side) =>
      told(await side.send({ method: 'GET', path: '/.well-known/oauth-protected-resource' })),
    why: 'For clients that look only there.',
  },
  {
    name: 'fetched by a web page',
    see: async (side) => {
      const answer = await side.send({ method: 'GET', path: METADATA, headers: { Origin: ORIGIN } });
      return `${answer.status}, for ${answer.headers['access-control-allow-origin'] ?? 'no'}`;
    },
  },
  {
    name: 'asked for by a web page first (preflight)',
    see: (side) => preflight(side, METADATA, ['mcp-protocol-version']),
  },
];

const EMPTY_SCOPES =
  'Told `scopes_supported: []`, this client asks for the scope `" offline_access"`, with a blank, which is refused.';

const goodToken: Real[] = [
  {
    name: '2025-11-25: `initialize`, `tools/list`, `echo`',
    see: (side, { tokens }) => legacySession(side, tokens.good),
  },
  { name: '2026-07-28: `tools/list`, `echo`', see: (side, { tokens }) => modernCalls(side, tokens.good) },
  ...[0, 11].map((repeat_count) => ({
    name: `\`echo\` with \`repeat_count\` ${repeat_count}`,
    see: (side: Side, { tokens }: RealWorld) => echoed(side, tokens.good, { message: 'ab', repeat_count }),
  })),
  { name: '`echo` without `message`', see: (side, { tokens }) => echoed(side, tokens.good, {}) },
  {
    name: '`authorization: bearer …`, in lower case',
    see: async (side, { tokens }) =>
      told(await side.send(withHeaders({ authorization: `bearer ${tokens.good}` }))),
  },
  {
    name: 'a session that does not exist',
    see: async (side, { tokens }) => {
      const headers = { ...initialize.headers, 'Mcp-Session-Id': '0'.repeat(32) };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
      return String((await side.send(bearer(tokens.good, { headers, body }))).status);
    },
  },
  {
    name: "FastMCP's client, given the token",
    see: (side, world) => applicationSees(side.url, { token: world.tokens.good }, world),
  },
  {
    name: "FastMCP's client, given the token and `/mcp/`",
    see: (side, world) => applicationSees(`${side.url}/`, { token: world.tokens.good }, world),
  },
  {
    name: "FastMCP's client, given the client id `mcp-client`",
    see: (side, world) => registeredClientSees(side, world),
    why: EMPTY_SCOPES,
  },
  {
    name: "FastMCP's client, given nothing but the URL",
    see: (side, world) => applicationSees(side.url, {}, world),
    why: EMPTY_SCOPES,
  },
];

const badToken: Real[] = [
  { name: 'no JWT at all', see: (side) => tellOf(side, 'abc') },
  { name: 'another audience', see: (side, { tokens }) => tellOf(side, tokens.otherAudience) },
  { name: 'another issuer', see: (side, { tokens }) => tellOf(side, tokens.otherIssuer) },
  {
    name: 'a signature that does not fit',
    see: (side, { tokens }) => {
      const [header, claims, signature = ''] = tokens.good.split('.');
      const other = signature.startsWith('A') ? 'B' : 'A';
      return tellOf(side, `${header}.${claims}.${other}${signature.slice(1)}`);
    },
  },
  {
    name: '`alg: none`',
    see: (side, { tokens }) => {
      const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
      return tellOf(side, `${header}.${tokens.good.split('.')[1]}.`);
    },
  },
  { name: 'an ID token', see: (side, { tokens }) => tellOf(side, tokens.idToken) },
  {
    name: 'in the query (`?access_token=…`)',
    see: async (side, { tokens }) =>
      told(await side.send({ ...initialize, path: `/mcp?access_token=${tokens.good}` })),
  },
  {
    name: 'two `Authorization` headers, both good',
    see: async (side, { tokens }) => {
      const value = `Bearer ${tokens.good}`;
      return told(await side.send(withHeaders({ Authorization: [value, value] })));
    },
    why: 'Which of them counts would depend on who reads it.',
  },
];

const webPages: Real[] = [
  {
    name: `preflight from ${ORIGIN}`,
    see: (side) => preflight(side, '/mcp', ['authorization', 'content-type', 'mcp-protocol-version']),
    why: '`allowedOrigins`; for FastMCP it is a middleware to add.',
  },
  {
    name: `call from ${ORIGIN}`,
    see: (side, world) => pageSees(side, ORIGIN, world),
    why: 'The same.',
  },
  {
    name: 'call from https://evil.example.com',
    see: (side, world) => pageSees(side, 'https://evil.example.com', world),
    why: 'MCP has servers check `Origin`, against DNS rebinding.',
  },
];

const others: Real[] = [
  {
    name: 'POST `/mcp/`, with a slash more',
    see: async (side, { tokens }) => {
      const answer = await side.send({ ...bearer(tokens.good), path: '/mcp/' });
      return answer.headers.location === undefined ? told(answer) : `${answer.status} to \`/mcp\``;
    },
    why: 'The same endpoint: no redirect is needed.',
  },
  {
    name: 'POST to another path',
    see: async (side, { tokens }) => told(await side.send({ ...bearer(tokens.good), path: '/other' })),
  },
  {
    name: 'PUT',
    see: async (side, { tokens }) => told(await side.send({ ...bearer(tokens.good), method: 'PUT' })),
  },
  {
    name: '`Host: evil.example.com`',
    see: async (side, { tokens }) =>
      told(
        await side.send(withHeaders({ Authorization: `Bearer ${tokens.good}`, Host: 'evil.example.com' })),
      ),
    why: 'Only the host of `resource` is served, against DNS rebinding.',
  },
];

export const REAL_SITUATIONS: Readonly<Record<string, readonly Real[]>> = {
  'No token': noToken,
  'The metadata document (RFC 9728)': metadata,
  'A good token': goodToken,
  'A bad token': badToken,
  'Web pages': webPages,
  'Odd requests with a good token': others,
};

function withHeaders(headers: Readonly<Record<string, string | string[]>>) {
  return { ...initialize, headers: { ...initialize.headers, ...headers } };
}

async function metadataMember(side: Side, name: string): Promise<string> {
  const { status, body } = await side.send({ method: 'GET', path: METADATA });
  const value = JSON.stringify((JSON.parse(body) as Record<string, unknown>)[name]);
  // The authorization server of a test has another port each time.
  return `${status}, \`${value.replace(/localhost:\d+(?=\/realms)/, 'localhost:8443')}\``;
}

/** What an application gets that uses FastMCP's client. */
async function applicationSees(
  url: string,
  request: Omit<ClientRequest, 'url'>,
  { pair, python }: RealWorld,
): Promise<string> {
  try {
    const { tools, calls } = await runClient(python, { url, ...request }, pair.caFile);
    return `tools: ${tools.map(({ name }) => name).join(', ')}; \`${calls[0]?.text}\``;
  } catch (error) {
    // Each authorization server has words of its own for what it refuses.
    return request.token === undefined ? 'its login fails' : `\`${(error as Error).message}\``;
  }
}

function registeredClientSees(side: Side, world: RealWorld): Promise<string> {
  const request = { client_id: 'mcp-client', callback_port: world.callbackPort };
  return applicationSees(side.url, request, world);
}

async function pageSees(side: Side, origin: string, { tokens }: RealWorld): Promise<string> {
  const answer = await side.send(withHeaders({ Authorization: `Bearer ${tokens.good}`, Origin: origin }));
  if (answer.status !== 200) return told(answer);
  return `200, ${answer.headers['access-control-allow-origin'] === undefined ? 'hidden from' : 'for'} the page`;
}

async function preflight(side: Side, path: string, wanted: readonly string[]): Promise<string> {
  const headers = {
    Origin: ORIGIN,
    'Access-Control-Request-Method': path === '/mcp' ? 'POST' : 'GET',
    'Access-Control-Request-Headers': wanted.join(','),
  };
  const answer = await side.send({ method: 'OPTIONS', path, headers });
  const allowed = String(answer.headers['access-control-allow-headers']).toLowerCase();
  return answer.status < 300 && wanted.every((name) => allowed.includes(name)) ? 'allowed' : told(answer);
}
