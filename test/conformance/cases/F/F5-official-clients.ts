// F5: the official clients find their way from the URL alone, each with checks of its own on what they are told.
import assert from 'node:assert/strict';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { OAuthMemory } from '../../../kit/oauth-memory.ts';
import type { Bench } from '../../bench/bench.ts';
import type { Case } from '../../case.ts';
import { fetchOf, smallServer } from '../../bench/client-world.ts';
import { each } from '../../bench/each.ts';
import { runPythonClient } from '../../bench/python-client.ts';

const INFO = { name: 'conformance', version: '1' };

interface Flow {
  connect(): Promise<{ listTools(): Promise<{ tools: { name: string }[] }>; close(): Promise<void> }>;
  finish(callback: URLSearchParams): Promise<void>;
}

type Fetch = ReturnType<typeof fetchOf>;

const CLIENTS: Readonly<Record<string, (url: URL, authProvider: OAuthMemory, fetch: Fetch) => Flow>> = {
  'SDK v1': (url, authProvider, fetch) => {
    let transport: TransportV1;
    return {
      connect: async () => {
        transport = new TransportV1(url, { authProvider, fetch });
        const client = new ClientV1(INFO);
        await client.connect(transport);
        return client;
      },
      finish: (callback) => transport.finishAuth(callback.get('code') ?? ''),
    };
  },
  'SDK v2': (url, authProvider, fetch) => flowOfV2(url, authProvider, fetch),
  'SDK v2, auto': (url, authProvider, fetch) => flowOfV2(url, authProvider, fetch, 'auto'),
};

export const F5: Case = {
  id: 'F5',
  level: 'MUST°',
  rule: 'The official clients are challenged, discover, log in for this resource and call',
  source: 'MCP "Authorization Flow Steps"; TypeScript SDK v1 and v2, Python SDK',
  program: 'Python',
  timeoutMs: 300_000, // the environment of the Python client is made once, in half a minute
  async run(bench) {
    bench.upstream.script = smallServer;
    const { issuer } = bench.issuer;
    await each(CLIENTS, async (create) => {
      const before = messages(bench);
      const memory = new OAuthMemory({ client_id: 'c1', issuer });
      const flow = create(new URL(bench.resource), memory, fetchOf(bench));
      await assert.rejects(flow.connect(), /Unauthorized/);
      assert.equal(messages(bench), before, 'messages at the MCP server before the login');
      checkAuthorizationUrl(bench, memory.authorizationUrl ?? assert.fail('no browser was opened'));
      await flow.finish(new URLSearchParams({ code: 'a-code', state: memory.expectedState, iss: issuer }));
      const client = await flow.connect();
      const { tools } = await client.listTools();
      await client.close();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['echo'],
        'tools',
      );
    });
    await each({ 'Python SDK, auto': 'auto', 'Python SDK, legacy': 'legacy' } as const, async (mode) => {
      const { opened, tools } = await runPythonClient(bench, mode);
      assert.equal(opened.length, 1, 'logins');
      checkAuthorizationUrl(bench, new URL(opened[0] ?? ''));
      assert.deepEqual(tools, ['echo'], 'tools');
    });
  },
};

/** Of the streams that a client opens beside its messages, one of the last client may come late. */
function messages(bench: Bench): number {
  return bench.forwarded.filter(({ method }) => method === 'POST').length;
}

/** For this resource, with the scope of the challenge, at the authorization server of the metadata. */
function checkAuthorizationUrl(bench: Bench, asked: URL): void {
  assert.equal(asked.origin + asked.pathname, `${bench.issuer.issuer}/authorize`);
  assert.equal(asked.searchParams.get('resource'), bench.resource, 'the resource that is asked for');
  const scopes = asked.searchParams.get('scope')?.split(' ') ?? [];
  assert.ok(scopes.includes('mcp:basic'), `the scope that is asked for: ${scopes.join(' ')}`);
}

function flowOfV2(url: URL, authProvider: OAuthMemory, fetch: Fetch, mode?: 'auto'): Flow {
  let transport: TransportV2;
  return {
    connect: async () => {
      transport = new TransportV2(url, { authProvider, fetch });
      const client = new ClientV2(INFO, mode && { versionNegotiation: { mode } });
      await client.connect(transport);
      return client;
    },
    finish: (callback) => transport.finishAuth(callback),
  };
}
