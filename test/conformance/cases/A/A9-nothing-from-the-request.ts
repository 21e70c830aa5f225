// A9: whoever chooses Host or a forwarding field must not choose where clients look for the authorization server.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { WELL_KNOWN } from '../../needs.ts';

export const A9: Case = {
  id: 'A9',
  level: 'MUST°',
  rule: 'Nothing in metadata or challenge comes from Host, X-Forwarded-* or Forwarded',
  source: 'RFC 9728 section 7.3; RFC 9700 section 4.13',
  async run(bench) {
    const plain = await bench.get(bench.metadataPath);
    assert.equal(plain.status, 200);
    const fields = {
      Host: ['Host', 'evil.test'],
      'Host with our port': ['Host', 'evil.test:8001'],
      'X-Forwarded-Host': [
        'X-Forwarded-Host',
        'evil.test',
        'X-Forwarded-Proto',
        'http',
        'X-Forwarded-Port',
        '1',
      ],
      Forwarded: ['Forwarded', 'host=evil.test;proto=http'],
      'X-Original-Host': [
        'X-Original-Host',
        'evil.test',
        'X-Host',
        'evil.test',
        'X-Forwarded-Server',
        'evil.test',
      ],
    };
    await each(fields, async (headers, name) => {
      for (const path of [bench.metadataPath, WELL_KNOWN]) {
        const answer = await bench.get(path, { headers });
        assert.ok(!answer.text.includes('evil.test'), answer.text);
        if (answer.status !== 421) assert.equal(answer.body, plain.body, path);
        else assert.match(name, /^Host/);
      }
      const refused = await bench.call({ headers });
      assert.ok(!refused.text.includes('evil.test'), refused.text);
      if (refused.status !== 421) bench.isRefused(refused, 'none');
      assert.equal(bench.forwarded.length, 0);
    });
  },
};
