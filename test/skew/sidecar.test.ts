// Sidecars and operators of two releases in a row, as processes: what both know works both ways, and what a sidecar does not know
// is refused and said, never ignored.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Inputs } from '../../src/operator/inputs.ts';
import type { ReportedStatus } from '../../src/operator/sidecar-status.ts';
import { verdicts } from '../../src/operator/status.ts';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { selfSigned } from '../kit/certificate.ts';
import { signingKey } from '../kit/issuer.ts';
import { waitFor } from '../kit/wait.ts';
import { inputs, pod, report } from '../support/operator-inputs.ts';
import { setField } from '../support/manifests.ts';
import { TestBed } from '../support/sidecar.ts';
import { editions, writtenBy, type Edition, type SampleName } from './editions.ts';

const { old, now, remove } = await editions();
after(remove);
const certificate = await selfSigned();

function start(operator: Edition, sidecar: Edition, sample: SampleName): Promise<TestBed> {
  return TestBed.start({
    program: sidecar.sidecar,
    certificate,
    config: (defaults) => writtenBy(operator, sample, defaults, certificate.cert),
  });
}

/** What each edition's operator says of a status, in a condition. */
function saidOf(status: unknown, { parseStatus, configurationCurrent }: Edition, configDigest: string) {
  return configurationCurrent(seen(parseStatus(JSON.stringify(status)), configDigest));
}

function readyBy(status: unknown, configDigest: string) {
  const all = verdicts(seen(now.parseStatus(JSON.stringify(status)), configDigest));
  const ready = all.find(({ type }) => type === 'Ready');
  return [ready?.status, ready?.reason];
}

function seen(status: ReportedStatus, configDigest: string): Inputs {
  return inputs({ configDigest, pods: [pod({ report: report({ status }) })] });
}

const PAIRS: [operator: Edition, sidecar: Edition][] = [
  [old, now],
  [now, old],
  [old, old],
  [now, now],
];

/** A sidecar looks every 10 s where the file system does not say that a file has changed. */
const NOTICED_MS = 25_000;

for (const [operator, sidecar] of PAIRS) {
  for (const sample of ['echo', 'full'] as const) {
    describe(`a sidecar of ${sidecar.name} with what the operator of ${operator.name} writes for ${sample}`, () => {
      let bed: TestBed;
      it('starts, and serves a good token', async () => {
        bed = await start(operator, sidecar, sample);
        const answer = await bed.callWith(bed.issuer.token());
        assert.equal(answer.status, 200, answer.body);
      });
      after(() => bed.stop());

      const refused: Record<string, () => string | undefined | Promise<string>> = {
        'no token': () => undefined,
        'a token for another server': () => bed.issuer.token({ claims: { aud: 'another' } }),
        'a token of another issuer': () => bed.issuer.token({ claims: { iss: 'https://evil.example' } }),
        'an expired token': () => bed.issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) - 900 } }),
        'a token of a key that is not published': async () =>
          bed.issuer.token({ key: { ...(await signingKey('k1')) } }),
        'a token without the scope': () => bed.issuer.token({ claims: { scope: 'openid' } }),
      };
      for (const [name, token] of Object.entries(refused)) {
        it(`refuses ${name}`, async () => {
          const before = bed.upstream.requests.length;
          const given = await token();
          const { status } = given === undefined ? await bed.call() : await bed.callWith(given);
          assert.equal(status, name.endsWith('scope') ? 403 : 401);
          assert.equal(bed.upstream.requests.length, before);
        });
      }

      it('says what both operators read: the configuration is current', async () => {
        const status = await bed.status();
        for (const reader of [old, now]) {
          const current = saidOf(status, reader, status.configDigest);
          assert.deepEqual([current.status, current.reason], ['True', 'Current'], reader.name);
        }
        assert.deepEqual(readyBy(status, status.configDigest), ['True', 'Ready']);
      });
    });
  }
}

type Change = readonly [name: string, path: string, value: unknown, named?: string];

/** What an operator may write that is of a release that the sidecar does not know. `named`: as the last release said it. */
const NOT_UNDERSTOOD: readonly Change[] = [
  ['a new member', 'quota', { perMinute: 5 }],
  ['a new member that is null', 'quota', null],
  ['a new member of an object', 'transport.requireDpop', true, 'requireDpop'],
  ['a new member deeper down', 'issuers[1].introspection.audience', 'x', 'audience'],
  ['a new member of a list’s entry', 'scopeHierarchy[0].unless', ['mcp:read'], 'unless'],
  ['a new member of a text in another language', 'metadata.localized[0].logo', 'https://h/l.png', 'logo'],
  ['a member named as every object has one', 'constructor', 1],
  ['a new value of an enumeration', 'dpop.mode', 'Prefer'],
  ['a new value of an enumeration in a list', 'issuers[0].audiencePolicy', 'All'],
  ['a new algorithm', 'issuers[0].algorithms', ['RS256', 'ML-DSA-65'], 'issuers[0].algorithms[1]'],
  ['a text where a number was', 'clockSkewSeconds', '30s'],
  ['an object where a text was', 'requiredScopes', [{ scope: 'mcp:basic' }], 'requiredScopes[0]'],
  ['a list where an object was', 'transport', []],
  ['a number beyond what was allowed', 'transport.maxMessageBytes', 1e12],
  ['a member that is gone', 'clientCertificates', undefined],
];

/** With a policy that is tighter as well: none of it may be taken over. */
function changed(config: SidecarConfig, [, path, value]: Change): SidecarConfig {
  const object = { spec: structuredClone({ ...config, requiredScopes: ['mcp:basic', 'mcp:write'] }) };
  setField(object, `spec.${path}`, value);
  return object.spec;
}

for (const sidecar of [old, now]) {
  describe(`a running sidecar of ${sidecar.name}`, () => {
    let bed: TestBed;
    let good: SidecarConfig;
    let digest: string;
    it('has a configuration', async () => {
      bed = await start(now, sidecar, 'full');
      good = bed.config;
      digest = (await bed.status()).configDigest;
    });
    after(() => bed.stop());

    for (const change of NOT_UNDERSTOOD) {
      const [name, path, , named = path] = change;
      it(`does not ignore ${name}: what was in force stays, and both operators say so`, async () => {
        await bed.writeConfig(changed(good, change));
        await waitFor(
          async () => (await bed.status()).configProblem?.includes(named) === true,
          'the problem',
          NOTICED_MS,
        );
        const status = await bed.status();
        const wanted = createHash('sha256').update(JSON.stringify(bed.config)).digest('hex');
        assert.equal(status.configDigest, digest);
        assert.equal((await bed.callWith(bed.issuer.token())).status, 200, 'served as before');
        assert.equal((await bed.call()).status, 401);
        for (const reader of [old, now]) {
          const current = saidOf(status, reader, wanted);
          assert.deepEqual([current.status, current.reason], ['False', 'Refused']);
          assert.ok(current.message.includes(named), current.message);
        }
        assert.deepEqual(readyBy(status, wanted), ['False', 'ConfigurationNotCurrent']);
        await bed.writeConfig(good);
        await waitFor(
          async () => (await bed.status()).configProblem === undefined,
          'the mended one',
          NOTICED_MS,
        );
      });
    }
  });

  describe(`a sidecar of ${sidecar.name} that starts`, () => {
    let bed: TestBed;
    it('has a configuration', async () => {
      bed = await start(now, sidecar, 'full');
    });
    after(() => bed.stop());

    for (const change of NOT_UNDERSTOOD) {
      const [name, path, , named = path] = change;
      it(`does not begin to serve with ${name}, and says why`, () => {
        const file = join(bed.directory, 'newer.json');
        writeFileSync(file, JSON.stringify(changed(bed.config, change)));
        const { status, stdout, stderr } = spawnSync(process.execPath, [sidecar.sidecar, file], {
          encoding: 'utf8',
          timeout: 30_000,
        });
        assert.equal(status, 2);
        assert.ok(stderr.includes(named), stderr);
        assert.ok(!stdout.includes('listening'));
        if (sidecar === now) assert.match(stderr, /cannot be used by this sidecar, version \d+\.\d+\.\d+/);
      });
    }
  });
}

describe('what the condition says of a configuration that is not understood', () => {
  const refusing = (version: string | undefined) => {
    const problem = 'transport.requireDpop: unrecognized key, not known to this version';
    const status = { ...report().status, configDigest: 'before', configProblem: problem, version };
    return saidOf(status, now, 'wanted').message;
  };
  const [, ours] = /operator is version (\S+),/.exec(refusing('0.0.9')) ?? [];

  it('names the field, both versions, and what to do', () => {
    const message = refusing('0.0.9');
    assert.match(message, /transport\.requireDpop: unrecognized key/);
    assert.match(
      message,
      /The operator is version \d+\.\d+\.\d+, the sidecar 0\.0\.9\. .*spec\.sidecar\.image/,
    );
  });
  it('does not guess the version of a sidecar that does not say it', () => {
    assert.match(refusing(undefined), /the sidecar an earlier one\. .*spec\.sidecar\.image/);
  });
  it('does not send people after an image where the versions are the same', () => {
    assert.doesNotMatch(refusing(ours), /spec\.sidecar\.image/);
  });
});

describe('what a sidecar of a later release says', () => {
  const later = {
    mood: 'good',
    server: { reachable: true, endpoint: 'half_usable', latencyMs: 3 },
    certificate: { notAfter: '2027-01-01T00:00:00Z', serialNumber: '1' },
    version: '9.9.9',
    issuers: [
      {
        issuer: 'https://idp.example.com/realms/r',
        keys: 2,
        weakKeys: [],
        lastError: { code: 'quota_exceeded', message: 'm', retryAfter: 3 },
        rotation: 'planned',
      },
    ],
  };
  for (const reader of [old, now]) {
    it(`is read by the operator of ${reader.name}: members and codes that it does not know do no harm`, () => {
      const status = { ...report().status, ...later, configDigest: 'd' };
      const parsed = reader.parseStatus(JSON.stringify(status));
      assert.equal(parsed.server?.endpoint, 'unknown');
      assert.equal(parsed.issuers[0]?.lastError?.code, 'unknown');
      assert.ok(!('mood' in parsed));
      assert.equal(saidOf(status, reader, 'd').reason, 'Current');
    });
  }

  it('is said not to be readable where it is not, and is no proof of anything', () => {
    const unread = report({ status: undefined, error: 'unexpected /status response: invalid field issuers' });
    const said = now.configurationCurrent(inputs({ pods: [pod({ report: unread })] }));
    assert.deepEqual([said.status, said.reason], ['Unknown', 'Pending']);
    assert.match(said.message, /echo-1 does not answer .*this operator reads: .*invalid field issuers/);
  });
});
