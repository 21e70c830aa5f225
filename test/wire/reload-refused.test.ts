// A newest configuration that a running sidecar cannot use, or not yet: the one in force stays whole, its certificate goes on
// being renewed, and nothing that is on its way is lost.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { selfSigned } from '../kit/certificate.ts';
import { waitFor } from '../kit/wait.ts';
import { assertRefused } from '../support/challenge.ts';
import { TestBed } from '../support/sidecar.ts';

let bed: TestBed;
let original: SidecarConfig;
before(async () => {
  bed = await TestBed.start();
  original = bed.config;
});
after(() => bed.stop());
beforeEach(async () => {
  bed.issuer.hang = false;
  bed.issuer.release();
  await bed.writeConfig(original);
  await waitFor(async () => (await bed.status()).configProblem === undefined, 'a good configuration');
  await waitFor(async () => (await statusOf(bed.issuer.token())) === 200, 'the original configuration');
});

const statusOf = async (token: string) => (await bed.callWith(token)).status;
const refusals = () => bed.log.split('reload failed, keeping current configuration').length;

/** What a new connection is shown. */
async function serialNumber(): Promise<string> {
  const socket = connect({ ...bed.tls, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber: serial } = socket.getPeerCertificate();
  socket.destroy();
  return serial;
}

/** Renews the certificate, and then puts the one back that clients of these tests trust. */
async function renewTwice(): Promise<void> {
  const trusted = await serialNumber();
  await bed.writeCertificate(await selfSigned());
  await waitFor(async () => (await serialNumber()) !== trusted, 'the new certificate');
  await bed.writeCertificate(bed.certificate);
  await waitFor(async () => (await serialNumber()) === trusted, 'the one of before');
}

async function writeRefused(changes: object = { quota: 1 }): Promise<void> {
  const before = refusals();
  await writeFile(bed.configFile, JSON.stringify({ ...original, requiredScopes: [], ...changes }));
  await waitFor(() => refusals() > before, 'the refusal');
}

describe('while the newest configuration is refused', () => {
  const refused: Record<string, object> = {
    'it has an unknown member': { quota: 1 },
    'it names a file that is not mounted': {
      identityAssertion: { header: 'X-Caller', keyFile: '/nowhere/private.key' },
    },
    'it names another certificate': {
      tls: { certificateFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' },
    },
  };
  for (const [why, changes] of Object.entries(refused)) {
    it(`since ${why}, the certificate is renewed, and the policy is that of before`, async () => {
      const { configDigest } = await bed.status();
      await writeRefused(changes);
      await renewTwice();
      const status = await bed.status();
      assert.equal(status.configDigest, configDigest);
      assert.ok(status.configProblem, 'it still says what is wrong');
      const token = bed.issuer.token({ claims: { scope: 'openid' } });
      assertRefused(await bed.callWith(token), 'insufficient_scope');
    });
  }

  it('a certificate that does not fit its key is refused as well', async () => {
    await writeRefused();
    const [before, serial] = [refusals(), await serialNumber()];
    await writeFile(bed.config.tls.certificateFile, (await selfSigned()).cert);
    await waitFor(() => refusals() > before, 'the refusal');
    assert.equal(await serialNumber(), serial);
    await bed.writeCertificate(bed.certificate);
  });

  it('since a file that the one in force names is gone, the certificate is renewed, and a stricter one taken over', async () => {
    const [issuer] = original.issuers;
    const caFile = issuer!.jwks.caFile!;
    const before = refusals();
    await rm(caFile);
    try {
      await waitFor(() => refusals() > before, 'the refusal');
      assert.match((await bed.status()).configProblem ?? '', /ca\.crt cannot be read: ENOENT/);
      await renewTwice();
      assert.equal(await statusOf(bed.issuer.token()), 200);
      const jwks = { caFile: original.tls.certificateFile };
      await bed.takeOver({ requiredScopes: ['mcp:write'], issuers: [{ ...issuer!, jwks }] });
      assert.equal(await statusOf(bed.issuer.token()), 403);
    } finally {
      await writeFile(caFile, bed.certificate.cert);
    }
  });

  it('its digest is said until a good one has come', async () => {
    assert.equal((await bed.status()).refusedDigest, undefined);
    await writeRefused();
    const text = await readFile(bed.configFile);
    const digest = createHash('sha256').update(text).digest('hex');
    assert.equal((await bed.status()).refusedDigest, digest);
    await bed.writeConfig(original);
    await waitFor(async () => (await bed.status()).configProblem === undefined, 'the good one');
    assert.equal((await bed.status()).refusedDigest, undefined);
  });

  it('the problem is said in one line', async () => {
    await writeRefused({ quota: 1, transport: { ...original.transport, speed: 1 } });
    const { configProblem } = await bed.status();
    assert.equal(
      configProblem,
      'transport.speed: unrecognized key, not known to this version; quota: unrecognized key, not known to this version',
    );
  });
});

describe('while a change waits for the keys of an issuer', () => {
  /** One that lets tokens with another scope alone in. */
  async function begin(): Promise<void> {
    const [issuer] = original.issuers;
    const jwks = { ...issuer!.jwks, uri: bed.issuer.jwksUri };
    bed.issuer.hang = true;
    await bed.writeConfig({
      ...original,
      requiredScopes: ['mcp:write'],
      issuers: [issuer!, { ...issuer!, issuer: 'https://elsewhere.example/realm', jwks }],
    });
    await waitFor(() => bed.issuer.hanging > 0, 'the sidecar to ask for the keys');
  }
  const isInForce = async () => (await statusOf(bed.issuer.token())) === 403;

  it('a certificate that is renewed does not undo it', async () => {
    await begin();
    await renewTwice();
    await waitFor(isInForce, 'the change');
  });

  it('a change that is refused does not undo it', async () => {
    await begin();
    await writeRefused();
    await waitFor(isInForce, 'the change');
  });

  it('a change that is refused, and a renewed certificate, do not undo it', async () => {
    await begin();
    await writeRefused();
    await renewTwice();
    await waitFor(isInForce, 'the change');
  });

  it('taking it back does', async () => {
    const { configDigest } = await bed.status();
    await begin();
    await bed.writeConfig(original);
    bed.issuer.hang = false;
    bed.issuer.release();
    await waitFor(async () => (await bed.status()).issuers.length === 1, 'the issuers of before');
    assert.equal(await statusOf(bed.issuer.token()), 200);
    assert.equal((await bed.status()).configDigest, configDigest);
  });
});
