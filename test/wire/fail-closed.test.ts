// Whatever breaks while a request is authorized, the answer is a 5xx, the server hears nothing, and the next call works.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { fetchJson, fetchText } from '../../src/sidecar/issuers/fetch.ts';
import { Sidecar } from '../../src/sidecar/sidecar.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

/** The real sidecar in this process, so that its clock and its fetches can be made to fail. */
let bed: TestBed;
let clock = () => Date.now();
let fetchKeys = fetchJson;
const stop = new AbortController();
let sidecar: Sidecar;
before(async () => {
  bed = await TestBed.start();
  sidecar = new Sidecar(bed.configFile, {
    logger: pino(new Writable({ write: (_chunk, _encoding, done) => done() })),
    clock: () => clock(),
    fetchJson: (url, options) => fetchKeys(url, options),
    fetchText,
    stop: stop.signal,
  });
  ({ port: bed.port, adminPort: bed.adminPort } = await sidecar.start());
  await bed.ready();
});
after(async () => {
  stop.abort();
  await sidecar.closed;
  await bed.stop();
});
beforeEach(() => {
  clock = () => Date.now();
  fetchKeys = fetchJson;
  bed.upstream.requests.length = 0;
});

const unknown = () => bed.issuer.token({ header: { kid: crypto.randomUUID() } });
const fail = (): never => {
  throw new Error('fault');
};

describe('a clock that', () => {
  const clocks: Record<string, () => number> = {
    throws: fail,
    'gives no number': () => Number.NaN,
    'gives no time at all': () => undefined as unknown as number,
    'runs to the end of time': () => Number.POSITIVE_INFINITY,
  };
  for (const [name, broken] of Object.entries(clocks)) {
    for (const [kind, warm] of [
      ['known', true],
      ['new', false],
    ] as const) {
      it(`${name}: a ${kind} token is not let through`, async () => {
        const token = bed.issuer.token();
        if (warm) assert.equal((await bed.callWith(token)).status, 200);
        bed.upstream.requests.length = 0;
        clock = broken;
        const { status } = await bed.callWith(token);
        assert.ok(status >= 500 || status === 401, `${status}`);
        assert.deepEqual(bed.upstream.requests, []);
        clock = () => Date.now();
        assert.equal((await bed.callWith(bed.issuer.token())).status, 200, 'and the next works');
      });
    }
  }

  it('throws is our trouble: 500, and no challenge', async () => {
    clock = fail;
    const answer = await bed.callWith(bed.issuer.token());
    assert.equal(answer.status, 500, answer.body);
    assert.equal(answer.headers['www-authenticate'], undefined);
    assert.ok(!answer.body.includes('fault'));
  });
});

describe('keys that', () => {
  const throwing = (member: string) =>
    Object.defineProperty({ kty: 'RSA' }, member, { get: fail, enumerable: true });
  const fetches: Record<string, typeof fetchJson> = {
    'cannot be fetched': () => Promise.reject(new Error('fault')),
    'cannot even be asked for': fail,
    'are nothing': () => Promise.resolve(undefined),
    'are a text': () => Promise.resolve('keys'),
    'are a set of nothing': () => Promise.resolve({ keys: [null, undefined, 1, 'k', []] }),
    'break when they are looked at': () => Promise.resolve({ keys: [throwing('kty')] }),
    'break when they are imported': () => Promise.resolve({ keys: [throwing('n')] }),
  };
  for (const [name, fetch] of Object.entries(fetches)) {
    it(`${name}: 503, and the server hears nothing`, async () => {
      fetchKeys = fetch;
      // The cool-down is over: the token causes a fetch.
      clock = () => Date.now() + 3_600_000 * (1 + Object.keys(fetches).indexOf(name));
      const token = bed.issuer.token({
        header: { kid: crypto.randomUUID() },
        claims: { iat: Math.floor(clock() / 1000), exp: Math.floor(clock() / 1000) + 300 },
      });
      const answer = await bed.callWith(token);
      assert.equal(answer.status, 503, answer.body);
      assert.equal(answer.headers['www-authenticate'], undefined);
      assert.deepEqual(bed.upstream.requests, []);
    });
  }

  it('come back are used again', async () => {
    clock = () => Date.now() + 3_600_000 * 24;
    await waitFor(
      async () => {
        await bed.callWith(unknown());
        const now = Math.floor(clock() / 1000);
        const token = bed.issuer.token({ claims: { iat: now, exp: now + 300 } });
        return (await bed.callWith(token)).status === 200;
      },
      'the keys',
      15_000,
    );
  });
});
