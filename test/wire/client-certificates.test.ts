// Tokens bound to the client's TLS certificate (RFC 8705 section 3), with certificates of no trusted authority.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { after, before, beforeEach, describe, it } from 'node:test';
import { selfSigned, type TestCertificate } from '../kit/certificate.ts';
import { assertRefused } from '../support/challenge.ts';
import { DpopClient } from '../kit/dpop.ts';
import { TestBed, type CallOptions } from '../support/sidecar.ts';
import { answerJson, openEventStream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

const DOCUMENT = { method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' };

let bed: TestBed;
let mine: TestCertificate;
let other: TestCertificate;
before(async () => {
  [mine, other] = await Promise.all([selfSigned('client'), selfSigned('client')]);
  bed = await TestBed.start({
    config: () => ({
      clientCertificates: { mode: 'Accept' },
      dpop: { mode: 'Accept', proofLifetimeSeconds: 60, nonces: 'Off' },
    }),
  });
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

function thumbprint({ cert }: TestCertificate): string {
  return createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url');
}

const bound = (certificate: TestCertificate, more: Record<string, unknown> = {}) =>
  bed.issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint(certificate), ...more } } });
const call = (token: string, options: CallOptions = {}) => bed.callWith(token, options);

function assertInvalid({ status, headers }: { status: number; headers: Record<string, unknown> }): void {
  assert.equal(status, 401);
  assert.match(String(headers['www-authenticate']), /^Bearer error="invalid_token", /);
  assert.deepEqual(bed.upstream.requests, []);
}

describe('a token is accepted', () => {
  it('with the certificate that it is bound to, again and again', async () => {
    const token = bound(mine);
    for (let i = 0; i < 3; i++) assert.equal((await call(token, { clientCertificate: mine })).status, 200);
  });

  it('on a connection that is used again, and on a session that is resumed', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 3; i++)
      assert.equal((await call(bound(mine), { clientCertificate: mine, agent })).status, 200);
    agent.destroy();

    const options = { ...bed.tls, cert: mine.cert, key: mine.key, maxVersion: 'TLSv1.2' as const };
    const first = connect(options);
    await once(first, 'secureConnect');
    const session = first.getSession();
    first.destroy();
    const token = bound(mine);
    const resumed = connect({ ...options, session });
    await once(resumed, 'secureConnect');
    assert.ok(resumed.isSessionReused());
    assert.equal(await statusOver(resumed, token), 200);
  });

  it('bound to a proof key as well: with both', async () => {
    const client = await DpopClient.create();
    const token = bound(mine, { jkt: client.jkt });
    const headers = client.fields(token);
    assert.equal((await bed.call({ headers, clientCertificate: mine })).status, 200);
    bed.upstream.requests.length = 0;
    const without = await bed.call({ headers: client.fields(token) });
    assert.match(without.headers['www-authenticate'] ?? '', /, DPoP error="invalid_token", /);
    assertInvalid(await call(token, { clientCertificate: mine }));
  });
});

describe('a bound token is refused', () => {
  const cases: Record<string, () => readonly [token: string, options: CallOptions]> = {
    'with the certificate in a header': () => [
      bound(mine),
      {
        headers: {
          'X-Forwarded-Client-Cert': encodeURIComponent(mine.cert),
          'Client-Cert': `:${Buffer.from(new X509Certificate(mine.cert).raw).toString('base64')}:`,
        },
      },
    ],
    'bound to the certificate of the sidecar, which everybody has': () => [bound(bed.certificate), {}],
    'bound to SHA-256 in hexadecimal': () => [
      bed.issuer.token({
        claims: { cnf: { 'x5t#S256': new X509Certificate(mine.cert).fingerprint256.replaceAll(':', '') } },
      }),
      { clientCertificate: mine },
    ],
    'bound to SHA-1': () => [
      bed.issuer.token({ claims: { cnf: { x5t: 'A'.repeat(27) } } }),
      { clientCertificate: mine },
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(name, async () => {
      assertInvalid(await call(...make()));
    });
  }

  it('after it was accepted with its certificate: what is remembered does not help', async () => {
    const token = bound(mine);
    assert.equal((await call(token, { clientCertificate: mine })).status, 200);
    bed.upstream.requests.length = 0;
    assertInvalid(await call(token));
    assertInvalid(await call(token, { clientCertificate: other }));
  });
});

describe('where certificates are required', () => {
  let only: TestBed;
  before(async () => {
    only = await TestBed.start({ config: () => ({ clientCertificates: { mode: 'Require' } }) });
  });
  after(() => only.stop());

  it('a token that is not bound is refused, whatever is shown', async () => {
    assertRefused(await only.callWith(only.issuer.token()), 'invalid_token');
    assertRefused(await only.callWith(only.issuer.token(), { clientCertificate: mine }), 'invalid_token');
    assert.deepEqual(only.upstream.requests, []);
  });

  it('a bound one passes; without a token a client still finds the metadata', async () => {
    const token = only.issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint(mine) } } });
    assert.equal((await only.callWith(token, { clientCertificate: mine })).status, 200);
    assertRefused(await only.call(), 'none');
    assert.equal((await only.call(DOCUMENT)).status, 200);
  });
});

describe('the mode changes', () => {
  let changing: TestBed;
  before(async () => {
    changing = await TestBed.start();
  });
  after(() => changing.stop());

  async function takeOver(mode: 'Off' | 'Accept'): Promise<void> {
    const { configDigest } = await changing.status();
    await changing.writeConfig({ ...changing.config, clientCertificates: { mode } });
    await waitFor(async () => (await changing.status()).configDigest !== configDigest, 'the change');
    await waitFor(() => changing.log.includes('configuration reloaded'), 'the configuration to be in force');
  }

  it('without a restart: the next connection is asked, and an open stream lives on', async () => {
    const token = changing.issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint(mine) } } });
    const statusOf = async () => (await changing.callWith(token, { clientCertificate: mine })).status;
    assert.equal(await statusOf(), 401);
    const document = await changing.call(DOCUMENT);
    assert.ok(!document.body.includes('tls_client'));

    changing.upstream.script = (req, res) =>
      req.method === 'GET' ? openEventStream(req, res) : answerJson(req, res);
    const stream = await changing.openStream();
    await takeOver('Accept');
    await waitFor(async () => (await statusOf()) === 200, 'the certificate to be asked for');
    assert.ok(!stream.destroyed && !stream.readableEnded);
    await takeOver('Off');
    await waitFor(async () => (await statusOf()) === 401, 'the mode to be off again');
    assert.ok(!stream.destroyed && !stream.readableEnded);
    stream.destroy();
  });
});

/** One call over a connection that is there. */
async function statusOver(socket: TLSSocket, token: string): Promise<number> {
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nContent-Type: application/json\r\n` +
      `Authorization: Bearer ${token}\r\nContent-Length: 40\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"ping"}`,
  );
  await waitFor(() => received.startsWith('HTTP/1.1 '), 'the answer');
  socket.destroy();
  return Number(received.slice(9, 12));
}
