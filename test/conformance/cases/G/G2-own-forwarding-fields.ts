// G2: where a request came from is what the socket says, not what it says of itself.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const G2: Case = {
  id: 'G2',
  level: 'SHOULD°',
  rule: 'X-Forwarded-For, -Proto and -Host come from the socket and the configuration',
  source: 'RFC 7239 section 8.1; RFC 9700 section 4.13',
  async run(bench) {
    const headers = [
      ...['X-Forwarded-For', '192.0.2.66', 'X-Forwarded-For', '192.0.2.67', 'X-Forwarded-Proto', 'http'],
      ...[
        'X-Forwarded-Host',
        'evil.test',
        'X-Forwarded-Port',
        '1',
        'Forwarded',
        'for=192.0.2.66;host=evil.test',
      ],
    ];
    await bench.accepts(bench.token(), { headers });
    const { headers: seen = {}, rawHeaders = [] } = bench.forwarded[0] ?? {};
    assert.doesNotMatch(rawHeaders.join('\n'), /192\.0\.2|evil\.test/);
    const told = `${String(seen['x-forwarded-for'])} ${seen.forwarded ?? ''}`;
    assert.match(told, /\b127\.0\.0\.1\b/, 'the address of the client');
    assert.match(`proto=${String(seen['x-forwarded-proto'])} ${seen.forwarded ?? ''}`, /proto=https/);
    assert.ok(`${String(seen['x-forwarded-host'])} ${seen.forwarded ?? ''}`.includes(bench.host));
  },
};
