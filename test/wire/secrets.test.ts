// Whatever is sent and whatever fails, at level debug: no token, no session id and no assertion is in a log or a metric.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { PING, TestBed, type CallOptions } from '../support/sidecar.ts';
import { answerJson, answerRaw } from '../kit/upstream.ts';

const SESSION = 'session-5e4f1c0a77';
const EVENT = 'event-0b1d9e22aa';

let bed: TestBed;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secrets-test-'));
  const keyFile = join(directory, 'private.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  bed = await TestBed.start({
    config: () => ({
      identityAssertion: { header: 'X-Mcp-Identity', keyFile },
      failureLimit: { perMinute: 1_000 },
    }),
  });
});
after(async () => {
  await bed.stop();
  await rm(directory, { recursive: true });
});

it('a run with every way to send a token, and every way to fail', async () => {
  const { issuer } = bed;
  const now = Math.floor(Date.now() / 1000);
  const good = issuer.token();
  const tokens = [
    good,
    issuer.token({ claims: { exp: now - 1_000 } }),
    issuer.token({ claims: { aud: 'another' } }),
    issuer.token({ claims: { iss: 'https://evil.test' } }),
    issuer.token({ claims: { scope: 'openid' } }),
    issuer.token({ claims: { sub: undefined } }),
    issuer.token({ header: { kid: 'unknown' } }),
    issuer.token({ header: { alg: 'none' } }),
    issuer.token({ header: { crit: ['a\r\nX: y"'] } }),
    `${good.slice(0, -4)}AAAA`,
    good.split('.').slice(0, 2).join('.'),
    `${good}=`,
    `opaque-${crypto.randomUUID()}`,
  ];
  const carriers: ((token: string) => CallOptions)[] = [
    (token) => ({ headers: { Authorization: `Bearer ${token}` } }),
    (token) => ({ headers: { Authorization: `DPoP ${token}`, DPoP: token } }),
    (token) => ({ headers: { Authorization: `Basic ${token}` } }),
    (token) => ({ headers: { Authorization: [`Bearer ${token}`, `Bearer ${token}`] } }),
    (token) => ({ path: `/mcp?access_token=${token}` }),
    (token) => ({ path: `/mcp?access%5Ftoken=${token}`, headers: { Authorization: `Bearer ${token}` } }),
    (token) => ({ path: `/other?access_token=${token}` }),
    (token) => ({ path: `/${token}`, method: 'GET' }),
    (token) => ({ headers: { Cookie: `access_token=${token}` } }),
    (token) => ({ headers: { 'Proxy-Authorization': `Bearer ${token}` } }),
    (token) => ({ headers: { 'Sec-WebSocket-Protocol': token } }),
    (token) => ({ headers: { Host: `${token.slice(0, 60)}.test` } }),
    (token) => ({ headers: { Origin: `https://${token.slice(0, 60)}.test` } }),
    (token) => ({ body: `access_token=${token}` }),
    (token) => ({ body: PING, headers: { Authorization: `Bearer ${token}`, 'Mcp-Session-Id': SESSION } }),
    (token) => ({ method: 'GET', headers: { Authorization: `Bearer ${token}`, 'Last-Event-ID': EVENT } }),
    (token) => ({
      method: 'DELETE',
      headers: { Authorization: `Bearer ${token}`, 'Mcp-Session-Id': SESSION },
    }),
    (token) => ({ method: 'PUT', headers: { Authorization: `Bearer ${token}` } }),
  ];
  const assertions: string[] = [];
  bed.upstream.script = (req, res) => {
    const { authorization, 'x-mcp-identity': assertion } = req.headers;
    assert.equal(authorization, undefined);
    assert.equal(typeof assertion, 'string');
    assertions.push(String(assertion));
    assert.ok(!(req.url ?? '').includes('eyJ'), 'no token in the query');
    answerJson(req, res);
  };
  const bodies: string[] = [];
  for (const carry of carriers) {
    const answers = await Promise.all(tokens.map((token) => bed.call(carry(token))));
    bodies.push(...answers.map(({ body, headers }) => body + JSON.stringify(headers)));
  }
  assert.ok(assertions.length > 0);

  // Failures behind a good token, and bytes that are no request.
  for (const broken of [
    'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n',
    '',
    'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n',
  ]) {
    bed.upstream.script = answerRaw(broken);
    bodies.push((await bed.callWith(good)).body);
  }
  const raw = await RawConnection.open(bed);
  raw.send(
    `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${good}\r\nX : ${good}\r\n\r\n`,
  );
  await raw.waitForClose();
  bed.issuer.up = false;
  bodies.push((await bed.callWith(issuer.token({ header: { kid: 'later' } }))).body);

  const admin = await Promise.all(
    ['/metrics', '/status', '/readyz', '/jwks'].map(async (path) => (await fetch(bed.adminUrl(path))).text()),
  );
  const sidecarsOwn = [bed.log, ...admin, ...bodies];
  assert.ok(bed.log.includes('request denied'), 'there is a log to look at');
  for (const text of sidecarsOwn) {
    assert.ok(
      !text.includes('eyJ'),
      text.slice(Math.max(0, text.indexOf('eyJ') - 200), text.indexOf('eyJ') + 20),
    );
    for (const secret of [
      SESSION,
      EVENT,
      ...tokens,
      ...tokens.flatMap((token) => token.split('.')),
      ...assertions,
    ]) {
      assert.ok(secret.length < 8 || !text.includes(secret), `${secret.slice(0, 12)}… in the open`);
    }
  }
});
