// What a hostile pod answers on the admin port: the operator reports it and lives on.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ADMIN_PORT } from '../../../src/api/names.ts';
import { Prober } from '../../../src/operator/prober.ts';
import { sidecarStatus } from '../../support/operator-inputs.ts';
import { waitFor } from '../../kit/wait.ts';
import { FakeScheduler, settle } from '../kube/fake-scheduler.ts';

/** An address of its own on loopback: the admin port is a constant. */
const IP = '127.0.77.1';

let server: Server;
let answer = '';
before(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(ADMIN_PORT, IP, resolve));
});
after(() => server.close());

const ok = (body: string) =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
const good = JSON.stringify(sidecarStatus());
const changed = (changes: object) => ok(JSON.stringify({ ...sidecarStatus(), ...changes }));

async function report() {
  const scheduler = new FakeScheduler();
  const prober = new Prober({ onChange: () => undefined, scheduler });
  const stop = new AbortController();
  prober.start(stop.signal);
  prober.watch('demo/echo', [{ podUid: 'uid', ip: IP, serverPort: 1 }]);
  await scheduler.advance(500);
  await waitFor(() => prober.report('uid') !== undefined, 'a report');
  stop.abort();
  return prober.report('uid');
}

it('a good status is reported', async () => {
  answer = ok(good);
  assert.equal((await report())?.status?.ready, true);
});

const HOSTILE: Readonly<Record<string, string>> = {
  null: ok('null'),
  'a list': ok('[]'),
  'an object without members': ok('{}'),
  'ready without issuers': ok('{"ready":true}'),
  'not ready without issuers': ok('{"ready":false}'),
  'issuers that are none': changed({ issuers: [null] }),
  'keys that are no number': changed({ issuers: [{ issuer: 'x', keys: '1' }] }),
  'problems that are no texts': changed({ problems: [{ toString: 1 }] }),
  'problems without end': changed({ problems: Array.from({ length: 5_000 }, () => 'x') }),
  'nesting that no stack holds': ok(
    good.replace('"problems":[]', `"problems":${'['.repeat(30_000)}${']'.repeat(30_000)}`),
  ),
  'a time that is none': changed({ certificate: { notAfter: 'soon' } }),
  'another protocol': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  'no HTTP': 'hello\r\n\r\n',
};
for (const [name, bytes] of Object.entries(HOSTILE)) {
  it(`hostile: ${name}`, async () => {
    answer = bytes;
    const found = await report();
    assert.equal(found?.status, undefined);
    assert.ok(found?.error);
  });
}

it('pods that never answer do not keep others from their turn', async () => {
  const seen = new Set<string>();
  const waiting: (() => void)[] = [];
  const scheduler = new FakeScheduler();
  const prober = new Prober({
    onChange: () => undefined,
    scheduler,
    probe: ({ podUid }) => {
      seen.add(podUid);
      return new Promise((_, reject) => waiting.push(() => reject(new Error('timeout'))));
    },
  });
  const stop = new AbortController();
  prober.start(stop.signal);
  const pods = Array.from({ length: 500 }, (_, index) => ({
    podUid: `uid-${index}`,
    ip: IP,
    serverPort: 1,
  }));
  prober.watch('demo/echo', pods);
  for (let round = 0; round < 20; round++) {
    await scheduler.advance(500);
    scheduler.stall(3_000); // the timeout of a probe
    for (const end of waiting.splice(0)) end();
    await settle();
  }
  stop.abort();
  assert.equal(seen.size, pods.length);
});

describe('300 pods of one namespace that never answer', () => {
  const bed = () => {
    const asked: string[] = [];
    const waiting: (() => void)[] = [];
    const scheduler = new FakeScheduler();
    const prober = new Prober({
      onChange: () => undefined,
      scheduler,
      random: () => 0.5,
      probe: ({ podUid }) => {
        asked.push(podUid);
        return new Promise((_, reject) => waiting.push(() => reject(new Error('timeout'))));
      },
    });
    const stop = new AbortController();
    prober.start(stop.signal);
    for (let index = 0; index < 300; index++)
      prober.watch(`silent/${index}`, [{ podUid: `silent-${index}`, ip: IP, serverPort: 1 }]);
    const timeOut = async () => {
      for (const end of waiting.splice(0)) end();
      await settle();
    };
    return { asked, scheduler, prober, timeOut, stop: () => stop.abort() };
  };
  const pod = (podUid: string) => [{ podUid, ip: IP, serverPort: 1 }];

  it('do not keep the first pod of another waiting, not for one tick', async () => {
    const { asked, scheduler, prober, stop } = bed();
    await scheduler.advance(500);
    assert.equal(asked.length, 48, 'a quarter of the probes is kept for others');
    prober.watch('good/echo', pod('good'));
    await scheduler.advance(500);
    assert.deepEqual(asked.slice(48), ['good']);
    stop();
  });

  it('do not delay its later probes either', async () => {
    const { asked, scheduler, prober, timeOut, stop } = bed();
    prober.watch('good/echo', pod('good'));
    for (let round = 0; round < 10; round++) {
      await scheduler.advance(500);
      await timeOut();
      scheduler.stall(3_000); // longer than a pod without an answer waits for its next probe
    }
    assert.equal(asked.filter((uid) => uid === 'good').length, 10);
    stop();
  });

  it('share what is free with other silent ones', async () => {
    const { asked, scheduler, prober, timeOut, stop } = bed();
    for (let index = 0; index < 300; index++) prober.watch(`quiet/${index}`, pod(`quiet-${index}`));
    await scheduler.advance(500);
    const byNamespace = Object.groupBy(asked, (uid) => uid.split('-')[0] ?? '');
    assert.deepEqual([byNamespace['silent']?.length, byNamespace['quiet']?.length], [32, 32]);
    prober.watch('good/echo', pod('good'));
    await timeOut();
    await scheduler.advance(500);
    assert.ok(asked.slice(64).includes('good'), 'it is among the next');
    stop();
  });

  it('do not come before a new pod of their own namespace', async () => {
    const { asked, scheduler, prober, timeOut, stop } = bed();
    for (let round = 0; round < 7; round++) {
      await scheduler.advance(500);
      await timeOut();
      scheduler.stall(3_000);
    }
    const before = asked.length;
    prober.watch('silent/new', pod('new'));
    await scheduler.advance(500);
    assert.equal(asked[before], 'new');
    stop();
  });
});
