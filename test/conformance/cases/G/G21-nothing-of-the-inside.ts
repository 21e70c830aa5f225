// G21: what the server says of its own address, and to caches, is not for those outside.
import assert from 'node:assert/strict';
import { answerRaw } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import type { Bench } from '../../bench/bench.ts';
import { exchange, settles, wire } from '../../bench/wire.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

/** Of an answer that is the server's own address all over. */
const INSIDE: Record<string, (url: string) => string> = {
  'Content-Location': (url) => url,
  Location: (url) => `${url}/created`,
  Refresh: (url) => `0; url=${url}`,
  Link: (url) => `<${url}>; rel="next"`,
  'Alt-Svc': (url) => `h2="${new URL(url).host}"`,
  SourceMap: (url) => `${url}.map`,
  'Report-To': (url) => `{"endpoints":[{"url":"${url}"}]}`,
  'X-Forwarded-Host': (url) => new URL(url).host,
};

const FOR_BROWSERS = {
  'Strict-Transport-Security': 'max-age=1',
  'Clear-Site-Data': '"*"',
  'Service-Worker-Allowed': '/',
  NEL: '{"report_to":"x"}',
  'X-Accel-Redirect': '/private/file',
};

/** By which a proxy further out would keep an answer for others (RFC 9111 section 3.5, RFC 9213). */
const SHARED: Record<string, string> = {
  public: 'Cache-Control: public, max-age=60',
  'public, in capitals': 'Cache-Control: Max-Age=60, PUBLIC',
  's-maxage': 'Cache-Control: s-maxage=60',
  'must-revalidate': 'Cache-Control: must-revalidate, max-age=60',
  'in a second field': 'Cache-Control: max-age=60\r\ncache-control: public',
  'named by Connection':
    'Connection: cache-control\r\nCache-Control: public\r\nExpires: Thu, 01 Jan 2099 00:00:00 GMT',
  'Expires alone': 'Expires: Thu, 01 Jan 2099 00:00:00 GMT',
  'Surrogate-Control': 'Surrogate-Control: max-age=60',
  'CDN-Cache-Control': 'CDN-Cache-Control: max-age=60',
};

export const G21: Case = {
  id: 'G21',
  level: 'SHOULD°',
  rule: 'Answers name nothing of the inside, command no browser and no proxy, and are for no shared cache',
  source: 'RFC 9110 sections 7.6 and 8.7; RFC 9111 section 3.5; RFC 9213',
  async run(bench) {
    bench.upstream.script = answerRaw(
      `${HEAD}Cache-Control: no-store\r\nX-Harmless: 1\r\nContent-Length: 2\r\n\r\n{}`,
    );
    const good = await bench.accepts(bench.token());
    assert.equal(good.headers['x-harmless'], '1', 'other fields are relayed');
    assert.equal(good.headers['cache-control'], 'no-store', 'what is private already stays');

    const { host } = new URL(bench.upstream.url);
    await each(INSIDE, async (valueOf, name) => {
      const answer = await answered(
        bench,
        `${name}: ${valueOf(bench.upstream.url)}`,
        name === 'Location' ? 201 : 200,
      );
      assert.ok(!JSON.stringify(answer.headers).includes(host), `the server’s address in ${name}`);
    });
    await each(FOR_BROWSERS, async (value, name) => {
      const answer = await answered(bench, `${name}: ${value}`);
      assert.equal(answer.headers[name.toLowerCase()], undefined, name);
    });
    await each(SHARED, async (lines) => {
      const { headers } = await answered(bench, lines);
      assert.equal(headers['surrogate-control'], undefined, 'Surrogate-Control');
      assert.equal(headers['cdn-cache-control'], undefined, 'CDN-Cache-Control');
      const directives = (headers['cache-control'] ?? '').toLowerCase().split(/\s*,\s*/);
      assert.ok(!directives.some((directive) => /^(public|s-maxage)/.test(directive)), directives.join());
      const isSilent = headers['cache-control'] === undefined && headers.expires === undefined;
      assert.ok(
        isSilent || directives.includes('private') || directives.includes('no-store'),
        directives.join(),
      );
    });

    // Fields behind a body are dropped, or are fields like others.
    bench.upstream.script = answerRaw(
      `${HEAD}Trailer: Content-Location\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Location: ${bench.upstream.url}\r\nCache-Control: public\r\n\r\n`,
    );
    const connection = await exchange(bench, wire(bench, { token: bench.token() }));
    await settles(() => connection.received.includes('0\r\n\r\n'), 1_000);
    connection.destroy();
    assert.match(connection.received, /^HTTP\/1\.1 200 /);
    assert.ok(!connection.received.includes(host), 'the server’s address in a trailer');
    assert.doesNotMatch(connection.received, /public/i, 'trailer');
  },
};

function answered(bench: Bench, lines: string, status = 200) {
  const head = HEAD.replace('200', String(status));
  bench.upstream.script = answerRaw(`${head}${lines}\r\nContent-Length: 2\r\n\r\n{}`);
  return bench.callWith(bench.token());
}
