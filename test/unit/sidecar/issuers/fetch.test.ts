// The fetch of keys always ends, stays small, and goes nowhere but where it was sent.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { fetchJson, fetchText } from '../../../../src/sidecar/issuers/fetch.ts';
import { selfSigned, type TestCertificate } from '../../../kit/certificate.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

let certificate: TestCertificate;
let server: Server;
let port: number;
let answer: (req: IncomingMessage, res: ServerResponse) => void;
let seen: IncomingMessage[] = [];
before(async () => {
  certificate = await selfSigned();
  const https = createHttpsServer({ ...certificate }, (req, res) => {
    seen.push(req);
    answer(req, res);
  });
  server = https;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
after(() => server.close());

/** Fetches from the server, which answers by `script`. */
function get(script: typeof answer, options: { timeoutMs?: number; ca?: string } = {}): Promise<unknown> {
  answer = script;
  seen = [];
  return fetchJson(`https://localhost:${port}/keys`, { ca: certificate.cert, signal, ...options });
}

const json = (text: string | Buffer) => (_: IncomingMessage, res: ServerResponse) => void res.end(text);

describe('what is fetched', () => {
  it('is the JSON of a 200', async () => {
    assert.deepEqual(await get(json('{"keys":[]}')), { keys: [] });
    assert.deepEqual(Object.keys(seen[0]!.headers).sort(), ['accept', 'connection', 'host']);
  });

  it('may be 256 KiB, and not a byte more', async () => {
    const text = (length: number) => JSON.stringify('x'.repeat(length - 2));
    assert.equal(String(await get(json(text(256 * 1024)))).length, 256 * 1024 - 2);
    await assert.rejects(get(json(text(256 * 1024 + 1))), /response exceeds 262144 bytes/);
  });

  it('comes as it was sent, byte for byte, where the text is asked for', async () => {
    const text = '{ "b":1,\n\t"a":"\\u00e9é" }\n';
    answer = json(text);
    const options = { ca: certificate.cert, signal };
    assert.equal(await fetchText(`https://localhost:${port}/`, options), text);
  });
});

describe('the scheme of a URL', () => {
  it('is https in any case of letters', async () => {
    answer = json('{}');
    const options = { ca: certificate.cert, signal };
    for (const scheme of ['HTTPS', 'Https', ' https'])
      assert.equal(await fetchText(`${scheme}://localhost:${port}/`, options), '{}');
  });

  it('is nothing else, also where the URL is configured: nothing is sent', async (t) => {
    let connections = 0;
    const plain = createServer((_, res) => void res.end('{}')).on('connection', () => connections++);
    t.after(() => plain.close());
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port: plainPort } = plain.address() as AddressInfo;
    const form = { authorization: 'Basic c2VjcmV0', body: 'token=t' };
    const asked = fetchText(`http://127.0.0.1:${plainPort}/`, { ca: undefined, signal, form });
    await assert.rejects(asked, { code: 'refused_address' });
    assert.equal(connections, 0);
  });
});

describe('nothing is fetched', () => {
  it('of 100 MiB but the first part, and memory stays where it was', { timeout: 20_000 }, async () => {
    const chunk = Buffer.alloc(64 * 1024, ' ');
    let written = 0;
    const before = process.memoryUsage().rss;
    const endless = (_: IncomingMessage, res: ServerResponse) => {
      const more = () => {
        while (written < 100 * MIB && !res.destroyed) {
          written += chunk.length;
          if (!res.write(chunk)) return void res.once('drain', more);
        }
        res.end();
      };
      more();
    };
    await assert.rejects(get(endless), /response exceeds/);
    assert.ok(written < 20 * MIB, `${written} bytes were taken`);
    assert.ok(process.memoryUsage().rss - before < 32 * MIB);
  });

  it('from a server that says nothing', async () => {
    await assert.rejects(
      get(() => undefined, { timeoutMs: 100 }),
      /^IssuerError: GET https:\/\/localhost:\d+\/keys: no answer within 0.1 s$/,
    );
  });

  it('from a server that never comes to an end', async () => {
    const drip = (_: IncomingMessage, res: ServerResponse) => {
      const timer = setInterval(() => res.write(' '), 10);
      res.once('close', () => clearInterval(timer));
    };
    await assert.rejects(get(drip, { timeoutMs: 200 }), /no answer within 0.2 s/);
  });

  for (const status of [201, 204, 301, 302, 303, 307, 308, 304, 401, 404, 500, 503]) {
    it(`from a ${status}, and its Location is not asked`, async () => {
      const redirect = (_: IncomingMessage, res: ServerResponse) => {
        res.writeHead(status, { Location: `https://localhost:${port}/elsewhere` });
        res.end('{"keys":[]}');
      };
      await assert.rejects(get(redirect), new RegExp(`status ${status}, expected 200`));
      assert.deepEqual(
        seen.map(({ url }) => url),
        ['/keys'],
      );
    });
  }

  const malformed: Record<string, [text: string | Buffer, message: RegExp]> = {
    'that is no JSON': ['<html>', /response is not JSON/],
    'that is empty': ['', /response is not JSON/],
    'that is cut': ['{"keys":[', /response is not JSON/],
    'with a byte order mark': [Buffer.from('\ufeff{}'), /response is not JSON/],
    'that is not UTF-8': [Buffer.from([0x22, 0xff, 0x22]), /response is not UTF-8/],
    'that is UTF-16': [Buffer.from('{}', 'utf16le'), /response is not JSON/],
  };
  for (const [name, [text, message]] of Object.entries(malformed)) {
    it(name, () => assert.rejects(get(json(text)), message));
  }

  it('that is compressed: that was not asked for', async () => {
    const gzip = (_: IncomingMessage, res: ServerResponse) => {
      res.setHeader('Content-Encoding', 'gzip');
      res.end(Buffer.from('1f8b0800', 'hex'));
    };
    await assert.rejects(get(gzip), /not UTF-8|not JSON/);
  });

  it('under a certificate of no trusted authority', async () => {
    const other = await selfSigned();
    await assert.rejects(get(json('{}'), { ca: other.cert }), /self-signed certificate/);
    assert.deepEqual(seen, []);
  });

  it('under a certificate of another name', async () => {
    answer = json('{}');
    const url = `https://localhost.localdomain:${port}/`;
    await assert.rejects(fetchJson(url, { ca: certificate.cert, signal }), /^IssuerError: GET https:/);
  });

  it('after the signal', async () => {
    const gone = AbortSignal.abort();
    answer = json('{}');
    const options = { ca: certificate.cert, signal: gone };
    await assert.rejects(fetchJson(`https://localhost:${port}/`, options));
  });

  it('from a server that switches protocols', { timeout: 20_000 }, async () => {
    const switching = createTlsServer({ ...certificate }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      );
    });
    await new Promise<void>((resolve) => switching.listen(0, '127.0.0.1', resolve));
    const url = `https://localhost:${(switching.address() as AddressInfo).port}/keys`;
    await assert.rejects(fetchJson(url, { ca: certificate.cert, signal }), /status 101/);
    switching.close();
  });
});

describe('a URL that a document names', () => {
  const options = () => ({ ca: certificate.cert, signal, discovered: true });

  it('may be asked where it leads to an ordinary address; here is none, so it fails by the address alone', async () => {
    answer = json('{}');
    await assert.rejects(fetchJson(`https://localhost:${port}/`, options()), /address that is not allowed/);
    // The very same, configured.
    assert.deepEqual(await get(json('{}')), {});
  });

  for (const url of [
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://2852039166/', // 169.254.169.254 as one number
    'https://0xa9.0xfe.0xa9.0xfe/',
    'https://[::ffff:169.254.169.254]/',
    'https://0/',
    'http://keys.example.com/',
    'http://169.254.169.254/latest/meta-data',
  ]) {
    it(`${url} is not asked`, () =>
      assert.rejects(fetchJson(url, options()), /not allowed|must start with https/));
  }
});
