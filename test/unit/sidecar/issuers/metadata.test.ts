// What an issuer says of itself: where it is looked for, when it counts, and where its keys may be.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FetchOptions } from '../../../../src/sidecar/issuers/fetch.ts';
import { IssuerMetadataSource } from '../../../../src/sidecar/issuers/metadata.ts';
import { IssuerKeys } from '../../../../src/sidecar/issuers/jwks.ts';

const ISSUER = 'https://as.example.test/realms/r';
const OAUTH = 'https://as.example.test/.well-known/oauth-authorization-server/realms/r';
const OPENID = 'https://as.example.test/realms/r/.well-known/openid-configuration';
const JWKS = 'https://as.example.test/realms/r/certs';

/** An issuer whose answers a test writes down: text by URL; what is not there cannot be reached. */
class World {
  answers: Record<string, string>;
  asked: string[] = [];
  mismatches: (string | undefined)[] = [];
  readonly source: IssuerMetadataSource;
  readonly signal = new AbortController().signal;

  constructor(answers: Record<string, unknown> = {}, issuer = ISSUER) {
    this.answers = Object.fromEntries(
      Object.entries(answers).map(([url, answer]) => [
        url,
        typeof answer === 'string' ? answer : JSON.stringify(answer),
      ]),
    );
    this.source = new IssuerMetadataSource(issuer, {
      fetchText: (url) => this.fetchText(url),
      ca: undefined,
      signal: this.signal,
      onMismatch: (mismatch) => this.mismatches.push(mismatch),
    });
  }

  fetchText(url: string): Promise<string> {
    this.asked.push(url);
    const answer = this.answers[url];
    return answer === undefined
      ? Promise.reject(new Error(`GET ${url}: unreachable`))
      : Promise.resolve(answer);
  }
}

const good = { issuer: ISSUER, jwks_uri: JWKS };

describe('the metadata of an issuer', () => {
  it('is looked for where RFC 8414 puts it, and not further when it is there', async () => {
    const world = new World({ [OAUTH]: good });
    assert.equal((await world.source.find()).jwksUri, JWKS);
    assert.deepEqual(world.asked, [OAUTH]);
  });

  it('is looked for where OpenID Connect puts it, when it is not there', async () => {
    const world = new World({ [OPENID]: good });
    await world.source.find();
    assert.deepEqual(world.asked, [OAUTH, OPENID]);
  });

  for (const [issuer, urls] of [
    [
      'https://h',
      ['https://h/.well-known/oauth-authorization-server', 'https://h/.well-known/openid-configuration'],
    ],
    [
      'https://h/',
      ['https://h/.well-known/oauth-authorization-server', 'https://h/.well-known/openid-configuration'],
    ],
    [
      'https://h/a/',
      ['https://h/.well-known/oauth-authorization-server/a', 'https://h/a/.well-known/openid-configuration'],
    ],
  ] as const) {
    it(`of ${issuer}`, async () => {
      const world = new World({}, issuer);
      await assert.rejects(world.source.find());
      assert.deepEqual(world.asked, urls);
    });
  }

  it('is kept as it came', async () => {
    const text = `{ "issuer" : "${ISSUER}",\n"jwks_uri":"${JWKS}", "x": 1 }`;
    const world = new World({ [OAUTH]: text });
    await world.source.find();
    assert.equal(world.source.text, text);
  });

  it('is asked for once by all who ask at the same time', async () => {
    const world = new World({ [OAUTH]: good });
    await Promise.all(Array.from({ length: 100 }, () => world.source.find()));
    assert.deepEqual(world.asked, [OAUTH]);
  });

  it('without keys gives way to the one with keys', async () => {
    const world = new World({ [OAUTH]: { issuer: ISSUER }, [OPENID]: good });
    assert.equal((await world.source.find()).jwksUri, JWKS);
    const poor = new World({ [OAUTH]: { issuer: ISSUER } });
    assert.equal((await poor.source.find()).jwksUri, undefined);
  });
});

describe('metadata that names another issuer', () => {
  const others = {
    'in another case': 'https://as.example.test/realms/R',
    'with a slash at the end': `${ISSUER}/`,
    'without the path': 'https://as.example.test',
    'by another scheme': 'http://as.example.test/realms/r',
    'with the port': 'https://as.example.test:443/realms/r',
    'another issuer': 'https://evil.test/realms/r',
    'no issuer': '',
  };
  for (const [name, issuer] of Object.entries(others)) {
    it(`${name}: is a mismatch that names both`, async () => {
      const world = new World({ [OAUTH]: { ...good, issuer } });
      await assert.rejects(world.source.find(), /names the issuer/);
      assert.ok(world.source.mismatch?.includes(JSON.stringify(issuer)));
      assert.ok(world.source.mismatch?.includes(`"${ISSUER}"`));
      assert.equal(world.source.text, undefined);
      assert.equal(world.mismatches.length, 1);
    });
  }

  it('is none where the other place has the right one', async () => {
    const world = new World({ [OAUTH]: { ...good, issuer: 'https://as.example.test' }, [OPENID]: good });
    await world.source.find();
    assert.equal(world.source.mismatch, undefined);
  });

  it('is told once, and told again when it ends', async () => {
    const world = new World({ [OAUTH]: { ...good, issuer: 'x' } });
    for (let i = 0; i < 3; i++) await assert.rejects(world.source.find());
    world.answers[OAUTH] = JSON.stringify(good);
    await world.source.find();
    assert.deepEqual(
      world.mismatches.map((mismatch) => mismatch === undefined),
      [false, true],
    );
  });

  it('does not become right because no server answers any more', async () => {
    const world = new World({ [OAUTH]: { ...good, issuer: 'x' } });
    await assert.rejects(world.source.find());
    world.answers = {};
    await assert.rejects(world.source.find(), /unreachable/);
    assert.match(world.source.mismatch ?? '', /names the issuer "x"/);
  });

  it('of any length is cut', async () => {
    const world = new World({ [OAUTH]: { ...good, issuer: 'x'.repeat(100_000) } });
    await assert.rejects(world.source.find());
    assert.ok((world.source.mismatch ?? '').length < 600);
  });
});

describe('what cannot be had or read is no mismatch', () => {
  const answers: Record<string, unknown> = {
    'no JSON': '<html>',
    'a list': [],
    null: 'null',
    'a text': '"x"',
    'no issuer': { jwks_uri: JWKS },
    'an issuer that is a number': { issuer: 1, jwks_uri: JWKS },
  };
  for (const [name, answer] of Object.entries(answers)) {
    it(name, async () => {
      const world = new World({ [OAUTH]: answer });
      await assert.rejects(world.source.find());
      assert.equal(world.source.mismatch, undefined);
      assert.equal(world.source.looked, true);
    });
  }

  it('and what was known before stands', async () => {
    const world = new World({ [OAUTH]: good });
    await world.source.find();
    world.answers = {};
    await assert.rejects(world.source.find());
    assert.equal(world.source.text, JSON.stringify(good));
  });
});

describe('the key endpoint', () => {
  /** Where the keys were asked for, and how: the options of each fetch. */
  async function keysOf(world: World, jwks: { uri?: string } = {}, issuer = ISSUER) {
    const fetched: [url: string, discovered: boolean | undefined][] = [];
    const stop = new AbortController();
    const keys = new IssuerKeys(
      { issuer, jwks },
      {
        clock: () => 0,
        ca: undefined,
        signal: stop.signal,
        metadata: world.source,
        onAttempt: () => undefined,
        fetchJson: (url: string, { discovered }: FetchOptions) => {
          fetched.push([url, discovered]);
          return Promise.resolve({ keys: [] });
        },
      },
    );
    await keys.start();
    stop.abort();
    return { fetched, lastError: keys.status.lastError };
  }

  it('on the host of the issuer is as good as configured', async () => {
    const { fetched } = await keysOf(new World({ [OAUTH]: good }));
    assert.deepEqual(fetched, [[JWKS, false]]);
  });

  it('on another host is named by a document alone', async () => {
    const jwksUri = 'https://keys.example.org/certs';
    const { fetched } = await keysOf(new World({ [OAUTH]: { ...good, jwks_uri: jwksUri } }));
    assert.deepEqual(fetched, [[jwksUri, true]]);
  });

  it('that is configured is asked whatever the metadata says, and whether it can be had or not', async () => {
    const uri = 'https://internal.svc/certs';
    for (const world of [new World(), new World({ [OAUTH]: { ...good, jwks_uri: 'https://evil.test' } })]) {
      const { fetched } = await keysOf(world, { uri });
      assert.deepEqual(fetched, [[uri, false]]);
      assert.equal(world.asked[0], OAUTH, 'the metadata is looked at');
    }
  });

  for (const jwksUri of [
    'http://as.example.test/certs',
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'HTTPS://x',
    '/certs',
    'https://',
    '',
    1,
    null,
    ['https://as.example.test/certs'],
  ]) {
    it(`${JSON.stringify(jwksUri)} is not asked`, async () => {
      const { fetched, lastError } = await keysOf(new World({ [OAUTH]: { ...good, jwks_uri: jwksUri } }));
      assert.deepEqual(fetched, []);
      assert.equal(lastError?.code, 'no_jwks_uri');
    });
  }

  it('of metadata with another name is not asked', async () => {
    const { fetched } = await keysOf(new World({ [OAUTH]: { ...good, issuer: 'https://evil.test' } }));
    assert.deepEqual(fetched, []);
  });
});
