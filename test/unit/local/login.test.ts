// What the login client refuses of a server's metadata, by a scripted server with TLS; the flow itself is in test/wire.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { discover } from '../../../src/local/login/authorization-code.ts';
import { selfSigned } from '../../kit/certificate.ts';

let server: Server;
let ca: string;
let issuer: string;
let answer: { status?: number; headers?: Record<string, string>; body: string };

before(async () => {
  const certificate = await selfSigned();
  ca = certificate.cert;
  server = createServer(certificate, (_request, response) => {
    response.writeHead(answer.status ?? 200, answer.headers ?? { 'content-type': 'application/json' });
    response.end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const metadata = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    ...changes,
  });

describe('metadata of an authorization server', () => {
  it('is returned when it has what the flow needs', async () => {
    answer = { body: metadata() };
    assert.equal((await discover(issuer, ca)).token_endpoint, `${issuer}/token`);
  });

  const refused: Record<string, { body: () => string; says: RegExp }> = {
    'no JSON': { body: () => '<html>', says: /is not valid: .*JSON/ },
    'a list': { body: () => '[]', says: /is not valid/ },
    'no issuer': { body: () => metadata({ issuer: undefined }), says: /is not valid: .*"issuer"/ },
    'an issuer that is no URL': { body: () => metadata({ issuer: 'me' }), says: /is not valid/ },
    'another issuer': {
      body: () => metadata({ issuer: 'https://login.example.com' }),
      says: /names the issuer "https:\/\/login\.example\.com"; use exactly that as the issuer/,
    },
    // The same URL, and another string: the `iss` of tokens would not match.
    'the issuer in another form': {
      body: () => metadata({ issuer: `${issuer}/` }),
      says: /use exactly that as the issuer/,
    },
    'no token endpoint': { body: () => metadata({ token_endpoint: '' }), says: /lacks the token_endpoint/ },
    'an authorization endpoint that is no URL': {
      body: () => metadata({ authorization_endpoint: '/auth' }),
      says: /lacks the authorization_endpoint/,
    },
    'a login without TLS': {
      body: () => metadata({ authorization_endpoint: 'http://localhost/auth' }),
      says: /has no TLS at its authorization_endpoint: http:/,
    },
    'a token endpoint without TLS': {
      body: () => metadata({ token_endpoint: 'http://localhost/token' }),
      says: /has no TLS at its token_endpoint: http:/,
    },
  };
  for (const [name, { body, says }] of Object.entries(refused)) {
    it(`${name}: refused`, async () => {
      answer = { body: body() };
      await assert.rejects(discover(issuer, ca), { code: 'ERR_DISCOVERY', message: says });
    });
  }

  it('is not read beyond a megabyte', async () => {
    answer = { body: metadata({ padding: 'x'.repeat(1024 * 1024) }) };
    await assert.rejects(discover(issuer, ca), { code: 'ERR_UNREACHABLE', message: /MAX_SIZE/ });
  });

  it('is not unpacked', async () => {
    answer = { headers: { 'content-encoding': 'gzip' }, body: 'packed' };
    await assert.rejects(discover(issuer, ca), { message: /the response is compressed/ });
  });

  it('is not looked for where a redirect points', async () => {
    answer = { status: 302, headers: { location: 'https://login.example.com' }, body: '' };
    await assert.rejects(discover(issuer, ca), { message: /is not an authorization server/ });
  });

  it('of a server whose CA is not trusted is not asked for', async () => {
    await assert.rejects(discover(issuer), { code: 'ERR_CERTIFICATE', message: /--ca-file/ });
  });
});
