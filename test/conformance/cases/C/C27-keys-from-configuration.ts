// C27: where keys come from is configured; what a token says of its issuer is never asked.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C27: Case = {
  id: 'C27',
  level: 'MUST',
  rule: 'Keys come from the configured issuer over verified TLS; iss of a token never builds a URL',
  source: 'RFC 9068 section 4; RFC 8725 section 3.8; RFC 8414 section 3.3',
  async run(bench) {
    await bench.accepts(bench.token());
    const { stranger } = bench.world;
    const tokens = {
      'a stranger’s': bench.token({}, stranger),
      'a stranger’s with a new key id': bench.token({ header: { kid: 'new' } }, stranger),
      'a stranger’s without a key id': bench.token({ header: { kid: undefined } }, stranger),
    };
    await each(tokens, async (token) => void (await bench.refuses(token)));
    assert.deepEqual(stranger.record, [], 'the stranger was asked');

    await each({ discovery: 'Discovery', 'configured URL': 'Uri' } as const, (keysFrom) =>
      bench.beside({ untrustedIssuer: true, keysFrom }, async (other) => {
        const { status } = await other.callWith(other.token());
        // With which status is for B21 to check.
        assert.ok(status >= 400, `keys of an untrusted TLS server: status ${status}`);
        assert.equal(other.forwarded.length, 0, 'requests at the MCP server');
      }),
    );
    await bench.beside({ keysFrom: 'Uri' }, async (other) => void (await other.accepts(other.token())));
  },
};
