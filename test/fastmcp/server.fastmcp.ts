// A FastMCP server without a line of authorization behind the sidecar: sessions, streams, both eras, errors of its tools.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fetchAccessToken } from '../../src/local/login/authorization-code.ts';
import { LocalMode } from '../support/local-mode.ts';
import { waitFor } from '../kit/wait.ts';
import { echo, INITIALIZE, JSON_TYPES, legacy, messageIn, modern, type Message } from './messages.ts';
import { runClient, startServer } from './programs.ts';
import { python, type Python } from './python.ts';

/** How the server comes to run: what local mode is told, and what to stop afterwards. */
interface Arrangement {
  readonly name: string;
  readonly start: (environment: Python) => Promise<{ local: LocalMode; stop: () => Promise<void> }>;
}

const arrangements: Arrangement[] = [
  {
    name: 'that already runs (--upstream)',
    start: async (environment) => {
      const server = await startServer(environment, 'server.py');
      try {
        return {
          local: await LocalMode.start({ args: ['--upstream', server.url] }),
          stop: () => server.stop(),
        };
      } catch (error) {
        await server.stop();
        throw error;
      }
    },
  },
  {
    name: 'as spec.server, with its command',
    start: async ({ program }) => {
      const script = join(import.meta.dirname, 'server.py');
      const fields = {
        'spec.server.image': 'echo-with-fastmcp:1',
        'spec.server.command': [program],
        'spec.server.args': [script],
      };
      return { local: await LocalMode.start({ fields }), stop: () => Promise.resolve() };
    },
  },
];

/** Arguments that the tool refuses, and what it says. */
const wrong = {
  'repeat_count 0': { args: { message: 'a', repeat_count: 0 }, says: /repeat_count/ },
  'repeat_count 11': { args: { message: 'a', repeat_count: 11 }, says: /repeat_count/ },
  'no message': { args: {}, says: /message/ },
};

for (const { name, start } of arrangements) {
  describe(`a FastMCP server ${name}`, () => {
    let environment: Python;
    let local: LocalMode;
    let stop: () => Promise<void>;
    let token: string;
    before(async () => {
      environment = await python();
      ({ local, stop } = await start(environment));
      const { issuer } = local;
      const login = {
        clientId: 'mcp-client',
        user: 'eitan',
        password: 'test',
        scope: 'openid echo-mcp-server',
      };
      token = (await fetchAccessToken({ issuer, ...login, ca: await local.ca() })).access_token;
    });
    after(async () => {
      await local?.end();
      await stop?.();
    });

    const send = (method: string, headers: Readonly<Record<string, string>>, rest: RequestInit = {}) =>
      fetch(local.url, { ...rest, method, headers: { ...headers, Authorization: `Bearer ${token}` } });
    const post = ({ headers, body }: Message) => send('POST', headers, { body });
    const newSession = async (): Promise<string> => {
      const answer = await post({ headers: JSON_TYPES, body: INITIALIZE });
      assert.equal(answer.status, 200);
      assert.equal(messageIn(await answer.text()).result?.['protocolVersion'], '2025-11-25');
      return answer.headers.get('mcp-session-id') ?? '';
    };

    it('gives a legacy client a session, its tools and their results', async () => {
      const session = await newSession();
      assert.match(session, /^[0-9a-f]{32}$/);
      const list = messageIn(await (await post(legacy(session, 'tools/list'))).text());
      assert.equal((list.result?.['tools'] as { name: string }[])[0]?.name, 'echo');
      const call = await post(legacy(session, 'tools/call', echo({ message: 'ab' })));
      assert.equal(call.headers.get('content-type'), 'text/event-stream');
      assert.deepEqual(messageIn(await call.text()).result?.['structuredContent'], { result: 'ababab' });
    });

    it('ends a session by DELETE', async () => {
      const session = await newSession();
      assert.equal((await send('DELETE', { 'Mcp-Session-Id': session })).status, 200);
      const after = await post(legacy(session, 'tools/list'));
      assert.equal(after.status, 404);
      assert.match(await after.text(), /session_not_found/);
    });

    it('sends a listening stream event by event, and lets go of one that the client has left', async () => {
      const session = await newSession();
      const headers = { Accept: 'text/event-stream', 'Mcp-Session-Id': session };
      const left = new AbortController();
      assert.equal((await send('GET', headers, { signal: left.signal })).status, 200);
      assert.equal((await send('GET', headers)).status, 409); // FastMCP's rule: one stream a session
      left.abort();
      let stream: Response | undefined;
      await waitFor(
        async () => (stream = await send('GET', headers)).status === 200,
        'the stream to be free',
      );
      const reader = (stream?.body as ReadableStream<Uint8Array>).getReader();
      const { value } = await reader.read();
      assert.match(Buffer.from(value ?? []).toString(), /^: ping/); // after 15 s
      await reader.cancel();
    });

    it('serves the modern era without a session', async () => {
      const discovered = messageIn(await (await post(modern('server/discover'))).text());
      assert.ok((discovered.result?.['supportedVersions'] as string[]).includes('2026-07-28'));
      const call = await post(modern('tools/call', echo({ message: 'ab', repeat_count: 10 })));
      assert.equal(call.headers.get('mcp-session-id'), null);
      assert.deepEqual(messageIn(await call.text()).result?.['structuredContent'], {
        result: 'ab'.repeat(10),
      });
    });

    it('serves its own client in both eras', async () => {
      const calls = [{ message: 'ab', repeat_count: 2 }];
      const caFile = join(local.directory, '.local/ca/ca.crt');
      for (const mode of ['auto', 'legacy'] as const) {
        const result = await runClient(environment, { url: local.url, mode, token, calls }, caFile);
        assert.equal(result.server, 'Echo');
        assert.deepEqual(result.calls, [{ is_error: false, text: 'abab' }]);
      }
    });

    it('serves a web page of an allowed origin', async () => {
      const { headers, body } = modern('tools/call', echo({ message: 'ab', repeat_count: 1 }));
      const answer = await send('POST', { ...headers, Origin: 'http://localhost:6274' }, { body });
      assert.equal(answer.status, 200, await answer.text());
      assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:6274');
    });

    for (const [what, { args, says }] of Object.entries(wrong)) {
      it(`passes on what the tool says of ${what}: isError, over HTTP 200`, async () => {
        const denials = await local.metric('mcp_sidecar_denials_total');
        const session = await newSession();
        for (const request of [legacy(session, 'tools/call', echo(args)), modern('tools/call', echo(args))]) {
          const answer = await post(request);
          assert.equal(answer.status, 200);
          const { isError, content } = messageIn(await answer.text()).result ?? {};
          assert.equal(isError, true);
          assert.match((content as { text: string }[])[0]?.text ?? '', says);
        }
        assert.equal(await local.metric('mcp_sidecar_denials_total'), denials);
      });
    }
  });
}
