// A20: the metadata may be kept for a while, and not for ever.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A20: Case = {
  id: 'A20',
  level: 'SHOULD',
  rule: 'The metadata may be cached, for an hour at the most',
  source: 'RFC 9728 section 7.10',
  async run(bench) {
    const { headers } = await bench.get(bench.metadataPath);
    const directives = (headers['cache-control'] ?? '').split(/\s*,\s*/);
    const maxAge = directives.find((directive) => directive.startsWith('max-age='))?.slice('max-age='.length);
    assert.ok(Number(maxAge) > 0 && Number(maxAge) <= 3600, `Cache-Control: ${headers['cache-control']}`);
    assert.ok(!directives.includes('no-store'));
  },
};
