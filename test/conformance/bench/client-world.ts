// What an official MCP client meets: the target by the network, an authorization server in memory, and a small MCP server.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import type { Script } from '../../kit/upstream.ts';
import type { Bench } from './bench.ts';

/** For both SDKs: whatever is asked of the resource's origin goes to the target. */
export function fetchOf(bench: Bench) {
  return async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    const body = init.body instanceof URLSearchParams ? init.body.toString() : init.body;
    assert.ok(body === undefined || body === null || typeof body === 'string', 'a body of text');
    if (url.origin !== new URL(bench.resource).origin) return authorizationServer(bench, url, body ?? '');
    const answer = await bench.call({
      method: init.method ?? 'GET',
      path: url.pathname + url.search,
      headers: [...new Headers(init.headers)].flat(),
      ...(typeof body === 'string' ? { body } : {}),
    });
    const headers = new Headers();
    for (let index = 0; index < answer.rawHeaders.length; index += 2) {
      headers.append(answer.rawHeaders[index] ?? '', answer.rawHeaders[index + 1] ?? '');
    }
    const isEmpty = answer.status === 202 || answer.status === 204;
    return new Response(isEmpty ? null : answer.body, { status: answer.status, headers });
  };
}

/** For clients that are programs: the same authorization server, at the first issuer's own address. */
export function serveAuthorizationServer(bench: Bench): void {
  const { origin } = new URL(bench.issuer.issuer);
  bench.issuer.intercept = (req, res) => {
    const url = new URL(`${origin}${req.url ?? '/'}`);
    if (!OURS.test(url.pathname)) return false;
    void text(req).then(async (body) => {
      const answer = authorizationServer(bench, url, body);
      res.writeHead(answer.status, Object.fromEntries(answer.headers));
      res.end(await answer.text());
    });
    return true;
  };
}

/** All but the keys and the metadata of OpenID Connect, which the issuer serves itself. */
const OURS = /\/token$|^\/\.well-known\/oauth-authorization-server/;

/** Hands out a good token for the resource, and for nothing else. */
function authorizationServer(bench: Bench, url: URL, body: string): Response {
  const { issuer } = bench.issuer;
  if (url.href === `${issuer}/token`) {
    const { resource, code } = Object.fromEntries(new URLSearchParams(body));
    if (resource !== bench.resource || code !== 'a-code')
      return Response.json({ error: 'invalid_target' }, { status: 400 });
    return Response.json({ access_token: bench.token(), token_type: 'Bearer', expires_in: 300 });
  }
  const { origin, pathname } = new URL(issuer);
  if (url.href !== `${origin}/.well-known/oauth-authorization-server${pathname}`) {
    return new Response(null, { status: 404 });
  }
  return Response.json({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code'],
    token_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  });
}

interface Message {
  readonly id?: number;
  readonly method?: string;
}

const RESULTS: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 's', version: '1' },
  },
  'server/discover': {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    serverInfo: { name: 's', version: '1' },
    ttlMs: 0,
    cacheScope: 'private',
  },
  'tools/list': {
    resultType: 'complete',
    tools: [{ name: 'echo', inputSchema: { type: 'object' } }],
    ttlMs: 0,
    cacheScope: 'private',
  },
};

/** Answers what a client asks first; of both eras. */
export const smallServer: Script = (req, res) => {
  void text(req).then((body) => {
    const { id, method = '' } = (body === '' ? {} : JSON.parse(body)) as Message;
    const result = RESULTS[method];
    if (req.method !== 'POST') return void res.writeHead(405, { Allow: 'POST' }).end();
    if (id === undefined) return void res.writeHead(202).end();
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        ...(result ? { result } : { error: { code: -32601, message: method } }),
      }),
    );
  });
};
