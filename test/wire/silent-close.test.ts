// A server that closes its connections without saying so: no request is lost to it, and none reaches it twice.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import type { Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { EVERY_ROW } from '../kit/selection.ts';
import { waitFor } from '../kit/wait.ts';
import type { Answering, RecordedMessage } from '../oracles/recording-server.ts';
import { startRecordingBed, type RecordingBed } from '../support/recording-bed.ts';

let server: RecordingBed['server'];
let bed: RecordingBed['bed'];
let stop: RecordingBed['stop'];
before(async () => {
  ({ server, bed, stop } = await startRecordingBed());
});
after(() => stop());
afterEach(() => {
  server.messages.length = 0;
});

const ping = (id: string) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
const idOf = ({ body }: RecordedMessage) => (JSON.parse(body) as { id: string }).id;

function writeAnswer(message: RecordedMessage, socket: Socket): void {
  const body = JSON.stringify({ jsonrpc: '2.0', id: idOf(message), result: {} });
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

const CLIENTS = 10;
const CALLS = 40;
let series = 0;

/** Clients that call one time after the other, with pauses of any length. @returns statuses, by request */
async function callMany(): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  const run = series++;
  const client = async (name: string, good: string) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < CALLS; i++) {
      const id = `${run}-${name}-${i}`;
      statuses.set(id, (await bed.callWith(good, { body: ping(id), agent })).status);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
    }
    agent.destroy();
  };
  const [alice, bob] = [bed.issuer.token(), bed.issuer.token({ claims: { sub: 'bob' } })];
  await Promise.all(
    Array.from({ length: CLIENTS }, (_, index) => client(`c${index}`, index % 2 === 0 ? alice : bob)),
  );
  return statuses;
}

/** How often each request reached the server. */
function arrivals(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const message of server.messages) counts.set(idOf(message), (counts.get(idOf(message)) ?? 0) + 1);
  return counts;
}

const closings: Readonly<Record<string, (socket: Socket) => void>> = {
  'in both directions': (socket) => void socket.destroySoon(),
  'its own direction, and reads on': (socket) => void socket.end(),
  'with a reset': (socket) => void socket.resetAndDestroy(),
};

describe('a server that closes after each answer', () => {
  for (const pauseMs of EVERY_ROW ? [0, 1, 5, 20] : [0, 5]) {
    for (const [how, close] of Object.entries(closings)) {
      if (how === 'with a reset' && pauseMs === 0) continue; // it takes the answer with it
      it(`${pauseMs} ms after it, ${how}: every request is answered, and arrives once`, async () => {
        server.answering = (message, socket) => {
          writeAnswer(message, socket);
          if (pauseMs === 0) close(socket);
          else setTimeout(() => close(socket), pauseMs);
        };
        const statuses = await callMany();
        assert.deepEqual(new Set(statuses.values()), new Set([200]));
        assert.deepEqual(new Set(arrivals().values()), new Set([1]));
        assert.equal(server.messages.length, CLIENTS * CALLS);
      });
    }
  }
});

describe('a request that reached the server without an answer gets 502, and is not sent again', () => {
  /** Another call works, on a connection that was used before. */
  async function reused(): Promise<void> {
    let last: Socket | undefined;
    let isReused = false;
    server.answering = (message, socket) => {
      isReused = socket === last;
      last = socket;
      writeAnswer(message, socket);
    };
    await waitFor(
      async () => {
        for (let i = 0; i < 2; i++)
          assert.equal((await bed.callWith(bed.issuer.token(), { body: ping('reuse') })).status, 200);
        return isReused;
      },
      'a connection to be used again',
      30_000, // after a loss, connections are not used again for a while
    );
    server.messages.length = 0;
  }

  const deaf: Readonly<Record<string, Answering>> = {
    'it reads the request, and closes': (_, socket) => void socket.destroySoon(),
    'it reads the request, and resets': (_, socket) => void socket.resetAndDestroy(),
    'it reads the request, and closes a while later': (_, socket) => void setTimeout(() => socket.end(), 50),
    'it begins to answer, and closes': (_, socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-'),
    'it closes without its own last bytes': (_, socket) =>
      void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{'),
  };
  for (const [name, answering] of Object.entries(deaf)) {
    it(`${name}, on a new connection`, async () => {
      server.answering = answering;
      const good = bed.issuer.token({ claims: { sub: `new to ${name}` } });
      const statuses = await Promise.all(
        Array.from({ length: 10 }, async (_, i) => (await bed.callWith(good, { body: ping(`${i}`) })).status),
      );
      assert.deepEqual(new Set(statuses), new Set([502]));
      assert.deepEqual(
        [...arrivals().values()],
        Array.from({ length: 10 }, () => 1),
      );
    });
  }

  it('it reads the request, and closes, on a connection that was used before', async () => {
    await reused();
    server.answering = (_, socket) => void socket.destroySoon();
    const answer = await bed.callWith(bed.issuer.token(), { body: ping('lost') });
    assert.equal(answer.status, 502);
    assert.deepEqual([...arrivals()], [['lost', 1]]);
  });
});
