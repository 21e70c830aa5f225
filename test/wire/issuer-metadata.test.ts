// Metadata of an issuer that names another: clients would refuse it, so the sidecar says so and is not ready.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

const readiness = async (bed: TestBed) => {
  const answer = await fetch(bed.adminUrl('/readyz'));
  return { status: answer.status, text: await answer.text() };
};

describe('with the key endpoint configured', () => {
  let bed: TestBed;
  before(async () => {
    bed = await TestBed.start({
      issuerUp: false,
      config: ({ issuers: [first] }) => ({
        issuers: [
          { ...first!, jwks: { ...first!.jwks, uri: first!.issuer + '/protocol/openid-connect/certs' } },
        ],
      }),
    });
  });
  after(() => bed.stop());

  it('a mismatch keeps it from being ready, is an error in the log, and is told by /status', async () => {
    const wrong = bed.issuer.issuer.replace('my-realm', 'My-Realm');
    bed.issuer.namesItself = wrong;
    bed.issuer.up = true;
    // The keys are there all the same; the two are fetched side by side.
    const isSettled = async () => {
      const [issuer] = (await bed.status()).issuers;
      return issuer?.mismatch !== undefined && issuer.keys === 2;
    };
    await waitFor(isSettled, 'the mismatch, and the keys', 30_000);
    const [issuer] = (await bed.status()).issuers;
    const { status, text } = await readiness(bed);
    assert.equal(status, 503);
    for (const name of [wrong, bed.issuer.issuer]) {
      assert.ok(text.includes(name));
      assert.ok(issuer?.mismatch?.includes(name));
    }
    const errors = bed.log.split('\n').filter((line) => line.includes('issuer mismatch in metadata'));
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, /"level":"error"/);
  });

  it('it is ready when the mismatch ends, without a restart', async () => {
    bed.issuer.namesItself = undefined;
    // Tokens make it look again: the refresh itself is minutes away.
    const kid = () => ({ header: { kid: crypto.randomUUID() } });
    await waitFor(
      async () => {
        await bed.callWith(bed.issuer.token(kid()));
        return (await readiness(bed)).status === 200;
      },
      'readiness',
      30_000,
      200,
    );
    assert.equal((await bed.status()).issuers[0]?.mismatch, undefined);
  });
});

it('metadata that cannot be had is no mismatch where the key endpoint is configured', async () => {
  const bed = await TestBed.start({
    config: ({ issuers: [first] }) => ({
      // Its public name leads nowhere from here; its keys are at the internal one.
      issuers: [
        {
          ...first!,
          issuer: 'https://public.invalid/realms/my-realm',
          jwks: { ...first!.jwks, uri: `${first!.issuer}/protocol/openid-connect/certs` },
        },
      ],
    }),
  });
  try {
    const token = bed.issuer.token({ claims: { iss: 'https://public.invalid/realms/my-realm' } });
    assert.equal((await bed.callWith(token)).status, 200);
    assert.equal((await bed.status()).ready, true);
  } finally {
    await bed.stop();
  }
});

it('with keys found by the metadata: none are taken from one that names another', async () => {
  const bed = await TestBed.start({ issuerUp: false });
  try {
    bed.issuer.namesItself = 'https://evil.test/realms/my-realm';
    bed.issuer.up = true;
    await waitFor(
      async () => (await bed.status()).issuers[0]?.mismatch !== undefined,
      'the mismatch',
      30_000,
    );
    assert.equal((await bed.callWith(bed.issuer.token())).status, 503);
    assert.equal(bed.issuer.fetches, 0);
    // But for the sidecar's own question, whether the endpoint takes messages.
    const { requests } = bed.upstream;
    assert.deepEqual(
      requests.filter(({ headers }) => headers['user-agent'] !== 'protected-mcp-sidecar'),
      [],
    );
  } finally {
    await bed.stop();
  }
});
