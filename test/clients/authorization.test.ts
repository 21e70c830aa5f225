// The official MCP clients against `npm start`, from the URL alone: discovery, login, tools. Nothing is told to them.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { logIn } from '../../src/local/login/authorization-code.ts';
import { LocalMode } from '../support/local-mode.ts';
import { OAuthMemory, REDIRECT_URL } from '../kit/oauth-memory.ts';
import { createRecorder, type Exchange, type Recorder } from '../kit/recorder.ts';
import { waitFor } from '../kit/wait.ts';

/** What both SDKs' clients have in common. */
interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

/** An application that uses one SDK: what it does to connect, and to go on after the login. */
interface Application {
  connect(): Promise<AnyClient>;
  finishLogin(callback: URL): Promise<void>;
}

interface Sdk {
  readonly name: string;
  readonly protocolVersion: string;
  create(url: string, memory: OAuthMemory, recorder: Recorder): Application;
}

const INFO = { name: 'test', version: '1' };

const v1: Sdk = {
  name: 'SDK v1',
  protocolVersion: '2025-11-25',
  create: (url, authProvider, { fetch }) => {
    let transport: TransportV1;
    return {
      connect: async () => {
        transport = new TransportV1(new URL(url), { authProvider, fetch });
        const client = new ClientV1(INFO);
        await client.connect(transport);
        return client;
      },
      finishLogin: ({ searchParams }) => transport.finishAuth(searchParams.get('code') ?? ''),
    };
  },
};

function v2(name: string, protocolVersion: string, mode?: 'auto' | { pin: string }): Sdk {
  return {
    name,
    protocolVersion,
    create: (url, authProvider, { fetch }) => {
      let transport: TransportV2;
      return {
        connect: async () => {
          transport = new TransportV2(new URL(url), { authProvider, fetch });
          const client = new ClientV2(INFO, mode && { versionNegotiation: { mode } });
          await client.connect(transport);
          assert.equal(client.getNegotiatedProtocolVersion(), protocolVersion);
          return client;
        },
        finishLogin: ({ searchParams }) => transport.finishAuth(searchParams),
      };
    },
  };
}

const sdks: Sdk[] = [
  v1,
  v2('SDK v2, default (legacy)', '2025-11-25'),
  v2('SDK v2, auto', '2026-07-28', 'auto'),
  v2('SDK v2, pinned', '2026-07-28', { pin: '2026-07-28' }),
];

const registrations = [
  { name: 'with the client id mcp-client', clientId: 'mcp-client' },
  { name: 'with dynamic registration', clientId: undefined },
];

describe('official clients', () => {
  let local: LocalMode;
  before(async () => {
    local = await LocalMode.start();
  });
  after(() => local.end());

  for (const sdk of sdks) {
    describe(sdk.name, () => {
      for (const { name, clientId } of registrations) {
        it(`finds its way from the URL to the tool, ${name}`, async () => {
          const memory = new OAuthMemory(
            clientId === undefined ? clientId : { client_id: clientId, issuer: local.issuer },
          );
          const recorder = createRecorder();
          const application = sdk.create(local.url, memory, recorder);
          await assert.rejects(application.connect(), { name: /Error/, message: /Unauthorized/ });
          assertDiscovery(recorder.exchanges.splice(0), local, clientId);

          await application.finishLogin(await logInAsPerson(memory, local, sdk));
          assertTokenRequest(recorder.exchanges.splice(0), memory, local);

          const client = await application.connect();
          try {
            await assertTools(client, local);
          } finally {
            await client.close();
          }
          assertAuthorized(recorder.exchanges, memory, local, sdk);
        });
      }
    });
  }
});

/** 401, then the metadata that the challenge names, then the authorization server that the metadata names. */
function assertDiscovery(exchanges: Exchange[], local: LocalMode, clientId: string | undefined): void {
  const { origin } = new URL(local.url);
  const { origin: issuerOrigin } = new URL(local.issuer);
  const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
  assert.deepEqual(
    exchanges.map(({ method, url, status }) => `${method} ${url} ${status}`),
    [
      `POST ${local.url} 401`,
      `GET ${metadata} 200`,
      `GET ${issuerOrigin}/.well-known/oauth-authorization-server/realms/my-realm 200`,
      ...(clientId === undefined ? [`POST ${local.issuer}/clients-registrations/openid-connect 201`] : []),
    ],
  );
  const challenge = exchanges[0]?.headers.get('www-authenticate') ?? '';
  assert.equal(challenge, `Bearer scope="echo-mcp-server", resource_metadata="${metadata}"`);
  assert.equal(exchanges[0]?.authorization, null);
}

/** Checks what the client asks for, and does what a person does in the browser. */
async function logInAsPerson(memory: OAuthMemory, local: LocalMode, sdk: Sdk): Promise<URL> {
  const { authorizationUrl } = memory;
  assert.ok(authorizationUrl, 'the client did not open the browser');
  assert.equal(
    authorizationUrl.origin + authorizationUrl.pathname,
    `${local.issuer}/protocol/openid-connect/auth`,
  );
  const asked = Object.fromEntries(authorizationUrl.searchParams);
  assert.equal(asked['resource'], local.url); // RFC 8707, as the metadata writes it
  assert.equal(asked['code_challenge_method'], 'S256');
  assert.equal(asked['redirect_uri'], REDIRECT_URL);
  // v2 adds offline_access where the server lists it (CLIENTS.md).
  const scopes = sdk === v1 ? ['echo-mcp-server'] : ['echo-mcp-server', 'offline_access'];
  assert.deepEqual(asked['scope']?.split(' ').toSorted(), scopes);

  const callback = await logIn(authorizationUrl, { user: 'eitan', password: 'test', ca: await local.ca() });
  assert.equal(callback.searchParams.get('state'), memory.expectedState);
  assert.equal(callback.searchParams.get('iss'), local.issuer); // RFC 9207
  return callback;
}

function assertTokenRequest(exchanges: Exchange[], memory: OAuthMemory, local: LocalMode): void {
  const request = exchanges.find(({ method }) => method === 'POST');
  assert.equal(request?.url, `${local.issuer}/protocol/openid-connect/token`);
  assert.equal(request.status, 200);
  const form = new URLSearchParams(request.body);
  assert.equal(form.get('code_verifier'), memory.codeVerifier());
  assert.equal(form.get('resource'), local.url);
  assert.ok(memory.tokens()?.access_token);
}

async function assertTools(client: AnyClient, local: LocalMode): Promise<void> {
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['echo'],
  );
  const echo = (args: Record<string, unknown>) => client.callTool({ name: 'echo', arguments: args });
  assert.equal(textOf(await echo({ message: 'ab', repeat_count: 1 })), 'ab');
  assert.equal(textOf(await echo({ message: 'ab' })), 'ababab');
  assert.equal(textOf(await echo({ message: 'ab', repeat_count: 10 })), 'ab'.repeat(10));

  const refused = {
    'too few': { message: 'ab', repeat_count: 0 },
    'too many': { message: 'ab', repeat_count: 11 },
    'no message': {},
  };
  for (const [name, args] of Object.entries(refused))
    await assertRefusedByServer(() => echo(args), local, name);
}

/** The call reaches the server and comes back with HTTP 200: it is the tool that says no, and not the sidecar. */
async function assertRefusedByServer(
  call: () => Promise<unknown>,
  local: LocalMode,
  name: string,
): Promise<void> {
  const served = () =>
    local.metric('mcp_sidecar_requests_total', { route: 'mcp', method: 'POST', status: '200' });
  const denied = () => local.metric('mcp_sidecar_denials_total');
  const before = { served: await served(), denied: await denied() };
  assert.match(await errorOf(call), /repeat_count|message/, name);
  await waitFor(async () => (await served()) === before.served + 1, `${name}: one more answer of the server`);
  assert.equal(await denied(), before.denied, name);
}

/** The text of a tool's result that is no error. */
function textOf(result: unknown): string {
  const { content, isError } = result as { content: { text: string }[]; isError?: boolean };
  assert.notEqual(isError, true);
  return content.map(({ text }) => text).join('');
}

/** How a refusal reaches the application: as a result with `isError`, or as a JSON-RPC error, which is thrown. */
async function errorOf(call: () => Promise<unknown>): Promise<string> {
  try {
    const { content, isError } = (await call()) as { content: { text: string }[]; isError?: boolean };
    assert.equal(isError, true);
    return content.map(({ text }) => text).join('');
  } catch (error) {
    const { code, message } = error as { code: unknown; message: string };
    assert.equal(code, -32602, message); // invalid params
    return message;
  }
}

/** After the login every request has the token, and none is refused. 405 is the server's answer to a listening stream. */
function assertAuthorized(exchanges: Exchange[], memory: OAuthMemory, local: LocalMode, sdk: Sdk): void {
  assert.ok(exchanges.length >= 8);
  const authorization = `Bearer ${memory.tokens()?.access_token}`;
  for (const exchange of exchanges) {
    const what = `${exchange.method} ${exchange.url} ${exchange.status}`;
    assert.equal(exchange.url, local.url, what);
    assert.equal(exchange.authorization, authorization, what);
    assert.ok(exchange.status < 300 || (exchange.method === 'GET' && exchange.status === 405), what);
  }
  const methods = exchanges.map(({ body }) => body && (JSON.parse(body) as { method: string }).method);
  assert.equal(methods[0], sdk.protocolVersion === '2026-07-28' ? 'server/discover' : 'initialize');
}
