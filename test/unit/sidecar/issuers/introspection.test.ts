// What an introspector asks, and when it asks nothing: one question for many, misses remembered, a bound on bad tokens.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FetchOptions } from '../../../../src/sidecar/issuers/fetch.ts';
import { Introspector } from '../../../../src/sidecar/issuers/introspection.ts';
import type { IssuerErrorCode } from '../../../../src/protocol/sidecar-status.ts';
import { IssuerError } from '../../../../src/sidecar/issuers/issuer-error.ts';
import { IssuerMetadataSource } from '../../../../src/sidecar/issuers/metadata.ts';
import type { Source } from '../../../../src/sidecar/limits/source.ts';
import { digestOf } from '../../../../src/sidecar/tokens/token-cache.ts';

const ISSUER = 'https://as.test/realms/r';

class World {
  now = 1_800_000_000_000;
  answer: string | Error = '{"active":true}';
  readonly asked: { url: string; options: FetchOptions }[] = [];
  metadata: Record<string, unknown> = { issuer: ISSUER, jwks_uri: `${ISSUER}/certs` };
  /** The code of each failure; undefined for a request that was answered. */
  readonly failures: (IssuerErrorCode | undefined)[] = [];
  readonly introspector: Introspector;
  /** One connection from one address. */
  readonly source: Source = { network: '192.0.2.1', connection: {} };
  #pause: Promise<void> | undefined;

  constructor(endpoint?: string) {
    const signal = new AbortController().signal;
    const credentials = { clientId: 'me', clientSecret: 'secret' };
    this.introspector = new Introspector(ISSUER, endpoint, credentials, {
      clock: () => this.now,
      ca: undefined,
      signal,
      onAsked: (failure) => this.failures.push(failure?.code),
      metadata: new IssuerMetadataSource(ISSUER, {
        fetchText: () => Promise.resolve(JSON.stringify(this.metadata)),
        ca: undefined,
        signal,
        onMismatch: () => undefined,
      }),
      fetchText: async (url, options) => {
        this.asked.push({ url, options });
        await this.#pause;
        if (this.answer instanceof Error) throw this.answer;
        return this.answer;
      },
    });
  }

  async kind(token: string, source: Source = this.source): Promise<string> {
    const found = await this.introspector.introspect(token, digestOf(token), source);
    return found.kind === 'unavailable' ? found.reason : found.kind;
  }

  /** Answers wait until the function that it gives is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pause = promise;
    return resolve;
  }
}

const ENDPOINT = 'https://internal.test/introspect';

describe('the endpoint', () => {
  it('is the configured one, wherever it is', async () => {
    const world = new World('https://127.0.0.1:8443/introspect');
    assert.equal(await world.kind('t'), 'active');
    assert.equal(world.asked[0]?.url, 'https://127.0.0.1:8443/introspect');
    assert.equal(world.asked[0].options.discovered, false);
  });

  it('is the one that the metadata names, and trusted like the issuer on its host only', async () => {
    for (const [url, discovered] of [
      ['https://as.test/introspect', false],
      ['https://elsewhere.test/introspect', true],
    ] as const) {
      const world = new World();
      world.metadata.introspection_endpoint = url;
      assert.equal(await world.kind('t'), 'active');
      assert.equal(world.asked[0]?.url, url);
      assert.equal(world.asked[0].options.discovered, discovered);
    }
  });

  for (const url of [undefined, 'http://as.test/introspect', '/introspect', '', 1, null]) {
    it(`is not ${JSON.stringify(url)}`, async () => {
      const world = new World();
      world.metadata.introspection_endpoint = url;
      assert.equal(await world.kind('t'), 'introspection_failed');
      assert.deepEqual(world.asked, []);
      assert.deepEqual(world.failures, ['no_introspection_endpoint']);
    });
  }
});

describe('a failure has a code', () => {
  for (const [answer, code] of [
    ['[]', 'not_introspection'],
    ['<html>', 'not_introspection'],
    ['{"active":true,"active":false}', 'not_introspection'],
    [new IssuerError('timeout', 'no answer within 5 s'), 'timeout'],
    [new TypeError('a defect'), 'unexpected'],
    ['{"active":false}', undefined],
  ] as const) {
    it(`${String(answer)}: ${code ?? 'none'}`, async () => {
      const world = new World(ENDPOINT);
      world.answer = answer;
      await world.kind('t');
      assert.deepEqual(world.failures, [code]);
    });
  }
});

describe('a token', () => {
  it('that many bring at once is asked for once', async () => {
    const world = new World(ENDPOINT);
    const release = world.hold();
    const kinds = Array.from({ length: 100 }, () => world.kind('t'));
    release();
    assert.deepEqual(new Set(await Promise.all(kinds)), new Set(['active']));
    assert.equal(world.asked.length, 1);
  });

  it('that is none is asked for again after a while', async () => {
    const world = new World(ENDPOINT);
    world.answer = '{"active":false}';
    for (let i = 0; i < 3; i++) assert.equal(await world.kind('t'), 'inactive');
    assert.equal(world.asked.length, 1);
    world.now += 5_000;
    assert.equal(await world.kind('t'), 'inactive');
    assert.equal(world.asked.length, 2);
  });

  for (const token of ['', '=', 'a b', 'a,b', 'a=b', 'a\nb', 'ä', 'a"b']) {
    it(`is not ${JSON.stringify(token)}: the authorization server is not asked`, async () => {
      const world = new World(ENDPOINT);
      assert.equal(await world.kind(token), 'inactive');
      assert.deepEqual(world.asked, []);
    });
  }
});

/** Sources of each kind; those that offend do so by a made-up token each. */
const STRANGERS = {
  'connections from everywhere': (i: number): Source => ({
    network: `10.0.${i >> 8}.${i & 255}`,
    connection: {},
  }),
  'connections from one address': (): Source => ({ network: '192.0.2.9', connection: {} }),
  'one connection': (() => {
    const source = { network: '192.0.2.9', connection: {} };
    return () => source;
  })(),
} as const;

describe('the bound', () => {
  it('is not touched by good tokens', async () => {
    const world = new World(ENDPOINT);
    for (let i = 0; i < 1_000; i++) assert.equal(await world.kind(`t${i}`), 'active');
  });

  for (const [kind, sourceOf, atOnce, perSecond] of [
    ['connections from everywhere', STRANGERS['connections from everywhere'], 192, 7],
    ['connections from one address', STRANGERS['connections from one address'], 129, 5],
    ['one connection', STRANGERS['one connection'], 65, 2],
  ] as const) {
    it(`ends the questions that made-up tokens of ${kind} cause, and gives way in time`, async () => {
      const world = new World(ENDPOINT);
      world.answer = '{"active":false}';
      for (let i = 0; i < 1_000; i++) await world.kind(`t${i}`, sourceOf(i));
      assert.ok(Math.abs(world.asked.length - atOnce) <= 1, String(world.asked.length));
      assert.equal(await world.kind('x', sourceOf(1_000)), 'introspection_limited');
      const before = world.asked.length;
      world.now += 1_000;
      for (let i = 0; i < 100; i++) await world.kind(`u${i}`, sourceOf(1_001 + i));
      assert.ok(Math.abs(world.asked.length - before - perSecond) <= 2, String(world.asked.length - before));
    });
  }

  for (const [name, answer] of [
    ['failures', new Error('down')],
    ['answers that are none', '[]'],
  ] as const) {
    it(`ends the questions that ${name} cause`, async () => {
      const world = new World(ENDPOINT);
      world.answer = answer;
      for (let i = 0; i < 1_000; i++) await world.kind(`t${i}`);
      assert.equal(world.asked.length, 192);
      assert.equal(await world.kind('x'), 'introspection_limited');
    });
  }

  it('is 256 for all kinds of strangers together', async () => {
    const world = new World(ENDPOINT);
    await world.kind('good');
    world.answer = '{"active":false}';
    const offends = { ...world.source };
    for (let i = 0; i < 1_000; i++)
      for (const [kind, sourceOf] of Object.entries(STRANGERS))
        await world.kind(`${kind.replaceAll(' ', '_')}-${i}`, sourceOf(i));
    const asked = world.asked.length;
    world.answer = new Error('down');
    for (let i = 0; i < 1_000; i++) await world.kind(`t${i}`, offends);
    assert.ok(asked <= 193 && world.asked.length <= 257, `${asked} ${world.asked.length}`);
  });

  it('counts active tokens that are none for this resource', async () => {
    const world = new World(ENDPOINT);
    for (let i = 0; i < 1_000; i++) {
      await world.kind(`t${i}`);
      world.introspector.refuse(digestOf(`t${i}`), world.source);
    }
    assert.ok(world.asked.length <= 257, String(world.asked.length));
    assert.equal(await world.kind('t0'), 'inactive', 'and remembers them');
  });

  it('holds for questions under way', async () => {
    const world = new World(ENDPOINT);
    const release = world.hold();
    const kinds = Array.from({ length: 300 }, (_, i) => world.kind(`t${i}`));
    release();
    assert.equal((await Promise.all(kinds)).filter((kind) => kind === 'introspection_limited').length, 108);
    assert.equal(await world.kind('x'), 'active');
  });
});

describe('strangers with made-up tokens do not use up', () => {
  const goodOnes: Readonly<Record<string, Source>> = {
    'what a new client has from another address': { network: '198.51.100.1', connection: {} },
    'what a client has whose connection brought a good token': { network: '192.0.2.9', connection: {} },
  };
  for (const [kind, sourceOf] of Object.entries(STRANGERS)) {
    for (const [name, source] of Object.entries(goodOnes)) {
      it(`${name}: ${kind}`, async () => {
        const world = new World(ENDPOINT);
        if (source.network === '192.0.2.9') await world.kind('good-before', source);
        world.answer = '{"active":false}';
        for (let i = 0; i < 1_000; i++) await world.kind(`bad-${i}`, sourceOf(i));
        world.answer = '{"active":true}';
        // Who comes from addresses without number cannot be told from new clients: those may have to wait.
        const isTold = source.network === '192.0.2.9' || kind !== 'connections from everywhere';
        for (let i = 0; isTold && i < 100; i++) assert.equal(await world.kind(`good-${i}`, source), 'active');
      });
    }

    it(`what tokens have that were active before, wherever they come from: ${kind}`, async () => {
      const world = new World(ENDPOINT);
      for (let i = 0; i < 500; i++) await world.kind(`good-${i}`);
      world.answer = '{"active":false}';
      for (let i = 0; i < 1_000; i++) await world.kind(`bad-${i}`, sourceOf(i));
      world.answer = '{"active":true}';
      const source = sourceOf(0);
      for (let i = 0; i < 500; i++) assert.equal(await world.kind(`good-${i}`, source), 'active');
    });
  }

  it('what new clients at the same address have, who bring no made-up token on their connection', async () => {
    const world = new World(ENDPOINT);
    world.answer = '{"active":false}';
    for (let i = 0; i < 1_000; i++) await world.kind(`bad-${i}`, STRANGERS['one connection']());
    world.answer = '{"active":true}';
    for (let i = 0; i < 100; i++)
      assert.equal(await world.kind(`good-${i}`, STRANGERS['connections from one address']()), 'active');
  });

  it('and a token that is not active any more is a stranger’s from then on', async () => {
    const world = new World(ENDPOINT);
    const source = STRANGERS['one connection']();
    await world.kind('revoked', source);
    world.answer = '{"active":false}';
    for (let i = 0; i < 1_000; i++) await world.kind(`bad-${i}`, source);
    assert.equal(await world.kind('revoked', source), 'inactive');
    world.now += 5_000;
    for (let i = 0; i < 1_000; i++) await world.kind(`worse-${i}`, source);
    assert.equal(await world.kind('revoked', source), 'introspection_limited');
  });

  it('connections to the authorization server: each standing has its own', async () => {
    const world = new World(ENDPOINT);
    const proven = { network: '192.0.2.9', connection: {} };
    await world.kind('good', proven);
    await world.kind('good', proven);
    await world.kind('better', proven);
    world.answer = '{"active":false}';
    await world.kind('bad', STRANGERS['one connection']());
    await world.kind('worse', STRANGERS['one connection']());
    // Before its first made-up token the stranger was a new client like the first one.
    const agents = world.asked.filter((_, index) => index !== 3).map(({ options }) => options.agent);
    assert.equal(new Set(agents).size, agents.length, 'no two of these questions wait for each other');
  });
});
