// A server with sessions behind the sidecar, used by the official clients: streams, notifications, resumption, the end.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { Relay } from '../kit/relay.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { StatefulServer } from '../kit/stateful-server.ts';

/** What a test does with a client of either SDK, once it is connected. */
interface Connected {
  readonly sessionId: string;
  /** Notifications in the order of their arrival, as short texts. */
  readonly events: string[];
  count(label: string): Promise<unknown>;
  endSession(): Promise<void>;
  close(): Promise<void>;
}

interface Sdk {
  readonly name: string;
  connect(url: URL, token: string): Promise<Connected>;
}

const INFO = { name: 'test', version: '1' };
const RECONNECTION = {
  initialReconnectionDelay: 10,
  maxReconnectionDelay: 100,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 10,
};

const v1: Sdk = {
  name: 'SDK v1',
  connect: async (url, token) => {
    const transport = new TransportV1(url, {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
      reconnectionOptions: RECONNECTION,
    });
    const client = new ClientV1(INFO);
    const events: string[] = [];
    client.setNotificationHandler(
      LoggingMessageNotificationSchema,
      ({ params }) => void events.push(`log ${String(params.data)}`),
    );
    client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void events.push(`updated ${params.uri}`),
    );
    await client.connect(transport);
    const onprogress = ({ progress }: { progress: number }) => void events.push(`progress ${progress}`);
    return {
      sessionId: transport.sessionId ?? '',
      events,
      count: (label) => client.callTool({ name: 'count', arguments: { label } }, undefined, { onprogress }),
      endSession: () => transport.terminateSession(),
      close: () => client.close(),
    };
  },
};

function v2(name: string, mode?: 'auto'): Sdk {
  return {
    name,
    connect: async (url, token) => {
      const transport = new TransportV2(url, {
        authProvider: { token: () => Promise.resolve(token) },
        reconnectionOptions: RECONNECTION,
      });
      const client = new ClientV2(INFO, mode && { versionNegotiation: { mode } });
      const events: string[] = [];
      client.setNotificationHandler(
        'notifications/message',
        ({ params }) => void events.push(`log ${String(params.data)}`),
      );
      client.setNotificationHandler(
        'notifications/resources/updated',
        ({ params }) => void events.push(`updated ${params.uri}`),
      );
      await client.connect(transport);
      assert.equal(client.getProtocolEra(), 'legacy');
      const onprogress = ({ progress }: { progress: number }) => void events.push(`progress ${progress}`);
      return {
        sessionId: transport.sessionId ?? '',
        events,
        count: (label) => client.callTool({ name: 'count', arguments: { label } }, { onprogress }),
        endSession: () => transport.terminateSession(),
        close: () => client.close(),
      };
    },
  };
}

const STEP_1 = ['log a 1', 'progress 1'];
const STEP_2 = ['log a 2', 'progress 2'];

describe('a server with sessions', () => {
  let server: StatefulServer;
  let bed: TestBed;
  let relay: Relay;
  let connected: Connected | undefined;
  before(async () => {
    server = await StatefulServer.start();
    bed = await TestBed.start({ config: () => ({ upstream: { url: server.url } }) });
    relay = await Relay.start(bed.port);
    setDefaultCACertificates([...getCACertificates('default'), bed.certificate.cert]);
  });
  afterEach(() => connected?.close()); // a client that a failed test left would keep this process
  after(async () => {
    await relay.close();
    assert.equal(await bed.terminate(), 0);
    await bed.stop();
    await server.close();
  });

  const connect = async (sdk: Sdk): Promise<Connected> => {
    const client = await sdk.connect(new URL(`https://localhost:${relay.port}/mcp`), bed.issuer.token());
    connected = client;
    await waitFor(() => server.isListening(client.sessionId), 'the listening stream');
    return client;
  };
  const arrived = (client: Connected, events: readonly string[]) =>
    waitFor(() => client.events.length >= events.length, `the notifications ${events.join(', ')}`).then(() =>
      assert.deepEqual(client.events, events),
    );
  const post = (sessionId: string, method: string, message?: object) =>
    bed.callWith(bed.issuer.token(), {
      method,
      headers: { 'Mcp-Session-Id': sessionId, Accept: 'application/json, text/event-stream' },
      ...(message && { body: JSON.stringify(message) }),
    });

  for (const sdk of [v1, v2('SDK v2, default (legacy)'), v2('SDK v2, auto, which falls back', 'auto')]) {
    describe(sdk.name, () => {
      it('gets a session and opens its listening stream', async () => {
        const client = await connect(sdk);
        assert.ok(server.hasSession(client.sessionId));
        await client.close();
        await waitFor(() => !server.isListening(client.sessionId), 'the end of the listening stream');
      });

      it('gets notifications of a call one by one, before the result', async () => {
        const client = await connect(sdk);
        let isDone = false;
        const call = client.count('a').finally(() => (isDone = true));
        server.proceed();
        await arrived(client, STEP_1);
        server.proceed();
        await arrived(client, [...STEP_1, ...STEP_2]);
        assert.equal(isDone, false);
        server.proceed();
        assert.equal(textOf(await call), 'a counted');
      });

      it('gets a notification that belongs to no call, on the listening stream', async () => {
        const client = await connect(sdk);
        await server.announce(client.sessionId);
        await arrived(client, ['updated test://announced']);
      });

      for (const [where, cut] of [
        ['between client and sidecar', () => relay.cut()],
        ['between sidecar and server', () => server.cutCalls()],
      ] as const) {
        it(`gets the rest of a call whose stream is cut ${where}`, async () => {
          const client = await connect(sdk);
          const resumptions = () =>
            server.requests.filter(
              ({ sessionId, lastEventId }) => sessionId === client.sessionId && lastEventId !== undefined,
            );
          const call = client.count('a');
          server.proceed();
          await arrived(client, STEP_1);
          cut();
          server.proceed(); // while no client is connected
          await arrived(client, [...STEP_1, ...STEP_2]);
          assert.ok(resumptions().length > 0, 'the client did not resume');
          server.proceed();
          assert.equal(textOf(await call), 'a counted');
        });
      }

      it('ends its session, and later calls get 404', async () => {
        const client = await connect(sdk);
        const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
        assert.equal((await post(client.sessionId, 'POST', list)).status, 200);
        await client.endSession();
        assert.equal(server.hasSession(client.sessionId), false);
        const posts = () => server.requests.filter(({ method }) => method === 'POST').length;
        const asked = posts();
        assert.equal((await post(client.sessionId, 'POST', list)).status, 404);
        assert.equal((await post(client.sessionId, 'GET')).status, 404);
        assert.equal(posts(), asked, 'the sidecar knows that it is over');
      });
    });
  }

  it('never sees a token', () => {
    assert.ok(server.requests.length > 0);
    assert.deepEqual(
      server.requests.filter(({ authorization }) => authorization !== undefined),
      [],
    );
  });
});

function textOf(result: unknown): string {
  return (result as { content: { text: string }[] }).content.map(({ text }) => text).join('');
}
