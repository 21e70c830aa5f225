// A9: a client that chooses Host or a forwarding field must not choose where clients look for the authorization server.
import assert from 'node:assert/strict';
import type { Answer } from '../../../kit/http.ts';
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
    const hasRoot = (await bench.get(WELL_KNOWN)).status === 200;
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
        if (isOtherHost(name) && isPlainRefusal(answer)) continue;
        assert.ok(!answer.text.includes('evil.test'), `${path}: the name is in ${answer.summary}`);
        if (path === WELL_KNOWN && !hasRoot) assert.equal(answer.status, 404, path);
        else assert.equal(answer.body, plain.body, path);
      }
      const refused = await bench.call({ headers });
      if (!isOtherHost(name) || !isPlainRefusal(refused)) {
        assert.ok(!refused.text.includes('evil.test'), `the name is in ${refused.summary}`);
        bench.isChallenged(refused);
      }
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
  },
};

/** Whether and how another Host is refused is for D17 to check: it is neither metadata nor a challenge. */
function isPlainRefusal({ status, headers }: Answer): boolean {
  return status >= 400 && headers['www-authenticate'] === undefined;
}

function isOtherHost(name: string): boolean {
  return name.startsWith('Host');
}
