// What senders without a good token can make the sidecar keep or do: it is bounded, and good clients beside them notice nothing.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Answer } from '../kit/http.ts';
import { IntrospectionEndpoint } from '../kit/introspection.ts';
import { RawConnection } from '../kit/raw.ts';
import { selected } from '../kit/selection.ts';
import { waitFor } from '../kit/wait.ts';
import { withIntrospection } from '../support/introspection.ts';
import { TestBed } from '../support/sidecar.ts';

const MIB = 1024 * 1024;
/** What a sidecar in a container of 256 MiB has left for attacks (bytes). */
const LEFT = 140 * MIB;

/** Calls with good tokens, one after another, until it is told to stop. */
class GoodClient {
  readonly statuses: number[] = [];
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(call: () => Promise<Answer>) {
    this.#done = this.#run(call);
  }

  async #run(call: () => Promise<Answer>): Promise<void> {
    while (!this.#isStopped) this.statuses.push((await call()).status);
  }

  /** Waits for some more calls. @throws if one was not answered well */
  async stop(): Promise<void> {
    const enough = this.statuses.length + 10;
    await waitFor(() => this.statuses.length >= enough, 'the good client', 30_000);
    this.#isStopped = true;
    await this.#done;
    assert.deepEqual([...new Set(this.statuses)], [200]);
  }
}

/** A signed token in form, of a key that the issuer does not have. */
function madeUp(bed: TestBed, more = ''): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256', kid: `made-up-${more}` })}.${encode({ iss: bed.issuer.issuer })}.AAAA`;
}

const get = (token: string) =>
  `GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${token}\r\n\r\n`;
const elsewhere = 'GET /elsewhere HTTP/1.1\r\nHost: localhost:8001\r\n\r\n';
const document = 'GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: localhost:8001\r\n\r\n';

describe('while the issuer does not answer', () => {
  let bed: TestBed;
  let connections: RawConnection[];
  before(async () => {
    bed = await TestBed.start({ config: () => ({ logLevel: 'info' }) });
  });
  after(() => bed.stop());
  beforeEach(() => {
    connections = [];
    bed.issuer.hang = true;
  });
  afterEach(async () => {
    for (const connection of connections) connection.destroy();
    bed.issuer.hang = false;
    bed.issuer.release();
    // The cool-down of made-up key ids must be over for the next case: a key that is published meanwhile is no part of it.
    await bed.stop();
    bed = await TestBed.start({ config: () => ({ logLevel: 'info' }) });
  });

  async function open(count: number): Promise<void> {
    connections = await Promise.all(Array.from({ length: count }, () => RawConnection.open(bed)));
  }

  /** Sends some 4 MiB, whether or not the sidecar reads them. */
  function flood(bytes: string): void {
    const times = Math.ceil((4 * MIB) / bytes.length / connections.length);
    for (const { socket } of connections)
      for (let i = 0; i < times && !socket.destroyed; i++) socket.write(bytes, 'latin1');
  }

  const floods: Readonly<Record<string, [connections: number, bytes: (bed: TestBed) => string]>> = {
    'requests with made-up key ids, without end': [2, (bed) => get(madeUp(bed)).repeat(400)],
    'a different key id in each': [
      2,
      (bed) => Array.from({ length: 400 }, (_, i) => get(madeUp(bed, String(i)))).join(''),
    ],
    'requests for other paths behind one that waits': [
      20,
      (bed) => get(madeUp(bed)) + elsewhere.repeat(2_000),
    ],
    'requests for the metadata behind one that waits': [
      20,
      (bed) => get(madeUp(bed)) + document.repeat(2_000),
    ],
    'bodies behind one that waits': [
      20,
      (bed) =>
        get(madeUp(bed)) +
        `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nContent-Length: 4\r\n\r\nabcd`.repeat(1_000),
    ],
    'tokens of 12 KB': [20, (bed) => get(madeUp(bed, 'x'.repeat(9_000))).repeat(30)],
    'one request on each of many connections': [100, (bed) => get(madeUp(bed))],
  };
  /** Of tokens, of what waits behind one, and of connections: one each. */
  const SOME = [
    'a different key id in each',
    'requests for other paths behind one that waits',
    'one request on each of many connections',
  ];
  for (const [name, [count, bytes]] of selected(floods, SOME)) {
    it(`${name}: memory stays, and a good client goes on`, { timeout: 60_000 }, async (t) => {
      const token = bed.issuer.token();
      const resident = () => bed.metric('process_resident_memory_bytes');
      const memory = await resident();
      const good = new GoodClient(() => bed.callWith(token));
      const other = new GoodClient(() => bed.callWith(bed.issuer.token()));
      await open(count);
      flood(bytes(bed));
      await waitFor(() => bed.issuer.hanging > 0, 'the keys to be asked for');
      let peak = 0;
      for (let i = 0; i < 10; i++) {
        flood(bytes(bed));
        peak = Math.max(peak, await resident());
      }
      await Promise.all([good.stop(), other.stop()]);
      t.diagnostic(`${Math.round((peak - memory) / MIB)} MiB more`);
      assert.ok(peak - memory < LEFT, `${Math.round((peak - memory) / MIB)} MiB more`);
    });
  }

  it('one request of a connection waits, and those behind it get their answers in order', async () => {
    await open(1);
    const [connection] = connections;
    connection!.send(get(madeUp(bed)) + elsewhere + document + get('bad') + get(bed.issuer.token()));
    await waitFor(() => bed.issuer.hanging > 0, 'the keys to be asked for');
    assert.deepEqual(connection!.statuses, []);
    bed.issuer.hang = false;
    bed.issuer.release();
    assert.deepEqual(await connection!.waitForStatuses(5), [401, 404, 200, 401, 200]);
  });

  it('a client that goes while it waits leaves nothing behind', async () => {
    await open(50);
    for (const connection of connections) connection.send(get(madeUp(bed)).repeat(100));
    await waitFor(() => bed.issuer.hanging > 0, 'the keys to be asked for');
    for (const connection of connections) connection.destroy();
    bed.issuer.hang = false;
    bed.issuer.release();
    assert.equal((await bed.callWith(bed.issuer.token())).status, 200);
    assert.deepEqual(bed.upstream.requests.length, 1);
  });
});

describe('made-up opaque tokens', () => {
  let bed: TestBed;
  let endpoint: IntrospectionEndpoint;
  const isGood = (token: string) => token.startsWith('good');
  const start = async (changes: object = {}) => {
    bed = await TestBed.start({
      issuerUp: false,
      config: (defaults) => ({ ...withIntrospection(defaults), ...changes, logLevel: 'info' }),
    });
    endpoint = new IntrospectionEndpoint(bed.issuer);
    endpoint.answer = (token) => (isGood(token) ? endpoint.active() : '{"active":false}');
    bed.issuer.up = true;
    await bed.ready();
  };
  afterEach(() => bed.stop());
  const badQuestions = () => endpoint.questions.filter(({ form }) => !isGood(form.get('token') ?? '')).length;

  /** Sends so many, on a few connections that are kept. @returns the statuses */
  async function guess(count: number, agent: Agent): Promise<Set<number>> {
    const statuses = new Set<number>();
    const one = async () => statuses.add((await bed.callWith(`bad${crypto.randomUUID()}`, { agent })).status);
    for (let sent = 0; sent < count; sent += 50) await Promise.all(Array.from({ length: 50 }, one));
    return statuses;
  }

  it(
    'keep no user with a new good token out, nor one whose token is asked about again',
    { timeout: 60_000 },
    async () => {
      await start();
      const agent = new Agent({ keepAlive: true, maxSockets: 4 });
      for (let i = 0; i < 50; i++) assert.equal((await bed.callWith(`good-before-${i}`)).status, 200);
      assert.deepEqual(await guess(600, agent), new Set([401, 503]));
      const asked = badQuestions();
      assert.ok(asked < 200, `${asked} questions`);
      const attack = guess(600, agent);
      for (let i = 0; i < 50; i++)
        assert.equal((await bed.callWith(`good-new-${i}`)).status, 200, `user ${i}`);
      await attack;
      agent.destroy();
    },
  );

  it('that are asked about for long do not keep back good ones', { timeout: 60_000 }, async () => {
    await start();
    assert.equal((await bed.callWith('good-first')).status, 200);
    const answer = endpoint.answer;
    endpoint.answer = (token) => (isGood(token) ? answer(token) : undefined);
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });
    await guess(0, agent);
    const bad = await RawConnection.open(bed);
    bad.send(get('bad-first'));
    await waitFor(() => badQuestions() > 0, 'the question');
    const waiting = await Promise.all(Array.from({ length: 5 }, () => RawConnection.open(bed)));
    for (const [i, connection] of waiting.entries()) connection.send(get(`bad-${i}`).repeat(3));
    const client = new GoodClient(() => bed.callWith(`good-${crypto.randomUUID()}`));
    await client.stop();
    for (const connection of [bad, ...waiting]) connection.destroy();
    agent.destroy();
  });

  it('get 429 beyond the failure limit, before anything is asked; a good token passes, known or on a new connection', async () => {
    await start({ failureLimit: { perMinute: 20 } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await bed.callWith('good-known', { agent })).status, 200);
    assert.deepEqual(await guess(100, agent), new Set([401, 429]));
    const asked = endpoint.questions.length;
    assert.ok(asked < 30, `${asked} questions`);
    assert.deepEqual(await guess(100, agent), new Set([429]));
    assert.ok(endpoint.questions.length <= asked + 2, 'what comes back of the limit meanwhile');
    assert.equal((await bed.callWith('good-known', { agent })).status, 200, 'known');
    assert.equal((await bed.callWith('good-new')).status, 200, 'new, on a connection without a bad one');
    assert.equal((await bed.callWith('good-other', { agent })).status, 429, 'new, behind bad ones');
    agent.destroy();
  });

  const refused: Readonly<Record<string, (bed: TestBed) => string>> = {
    'of a made-up key id': madeUp,
    'without a signature': (bed) => bed.issuer.token().replace(/\.[^.]*$/, '.AAAA'),
    'of another issuer': (bed) => bed.issuer.token({ claims: { iss: 'https://other.test' } }),
    'that has expired': (bed) => bed.issuer.token({ claims: { exp: 1 } }),
    'of 12 KB': (bed) => `${madeUp(bed)}${'A'.repeat(12_000)}`,
    'that is no text of a token': () => 'ä',
  };
  it('as are other bad tokens: none is looked at beyond the failure limit', async () => {
    await start({ failureLimit: { perMinute: 5 } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await guess(50, agent);
    const verifications = async () => {
      const text = await (await fetch(bed.adminUrl('/metrics'))).text();
      return [...text.matchAll(/^mcp_sidecar_token_verifications_total\{.*\} (\d+)$/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    };
    const before = await verifications();
    for (const [name, token] of Object.entries(refused)) {
      const answer = await bed.callWith(token(bed), { agent });
      assert.equal(answer.status, 429, name);
      assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
    }
    assert.equal(await verifications(), before);
    agent.destroy();
  });
});
