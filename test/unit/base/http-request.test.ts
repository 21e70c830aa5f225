// The one bounded HTTP request of all programs: it always ends, and says by a code how.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { HttpError, httpRequest, type HttpRequestOptions } from '../../../src/base/http-request.ts';

let server: Server;
let url = '';
/** What the server sends after it was asked; it leaves the connection open. */
let bytes = '';
let asked = '';
before(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (chunk) => {
      asked = chunk.toString();
      if (bytes === 'cut') socket.destroy();
      else socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/x`;
});
after(() => server.close());

function send(response: string, options: Partial<HttpRequestOptions> = {}) {
  bytes = response;
  return httpRequest(url, { timeoutMs: 5_000, maxBytes: 10, ...options });
}

const response = (status: string, body = '') =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nX-A: b\r\n\r\n${body}`;

describe('an answer', () => {
  it('is status, fields and body, up to the limit', async () => {
    const { status, headers, body } = await send(response('200 OK', '0123456789'));
    assert.equal(status, 200);
    assert.equal(headers['x-a'], 'b');
    assert.equal(body.toString(), '0123456789');
    assert.match(asked, /^GET \/x HTTP\/1\.1\r\n/);
  });

  it('of any status will do where none is expected, and only the expected one where one is', async () => {
    assert.equal((await send(response('503 Busy', 'busy'))).status, 503);
    assert.equal((await send(response('401 No'), { method: 'POST', expectedStatus: 401 })).status, 401);
    assert.match(asked, /^POST /);
  });
});

describe('no answer', () => {
  const rows: [name: string, response: string, options: Partial<HttpRequestOptions>, code: string][] = [
    ['another status', response('302 Found'), { expectedStatus: 200 }, 'bad_status'],
    [
      'a switch of protocols',
      'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      {},
      'bad_status',
    ],
    ['a longer body', response('200 OK', '0123456789a'), {}, 'too_large'],
    ['no HTTP', 'hello\r\n\r\n', {}, 'not_http'],
    ['silence', '', { timeoutMs: 50 }, 'timeout'],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n0', { timeoutMs: 50 }, 'timeout'],
    ['a cut connection', 'cut', {}, 'unreachable'],
    ['the signal', '', { signal: AbortSignal.abort() }, 'aborted'],
  ];
  for (const [name, text, options, code] of rows) {
    it(`${name}: ${code}`, { timeout: 10_000 }, async () => {
      await assert.rejects(send(text, options), (error) => error instanceof HttpError && error.code === code);
    });
  }

  it('names the status that it was', async () => {
    const refused = send(response('418 Teapot'), { expectedStatus: 200 });
    await assert.rejects(refused, { status: 418, message: 'status 418, expected 200' });
  });
});
