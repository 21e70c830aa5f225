// B5: the challenge is the way to the metadata, and it must be one that works.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';

export const B5: Case = {
  id: 'B5',
  level: 'MUST',
  rule: 'Every 401 and 403 names the absolute https URL of the metadata, and that is where the document is',
  source: 'RFC 9728 section 5.1; MCP "Protected Resource Metadata Discovery Requirements"',
  async run(bench) {
    const answers = {
      'no credentials': await bench.call(),
      'bad token': await bench.callWith('not-a-jwt'),
      'too few scopes': await bench.callWith(bench.claims({ scope: 'openid' })),
    };
    await each(answers, async (answer) => {
      const [line = ''] = answer.lines('www-authenticate');
      assert.match(line, /resource_metadata="https:\/\/[^"]+"/, 'a quoted absolute URL');
      for (const challenge of parseChallenges([line])) {
        const url = parametersOf(challenge)['resource_metadata'];
        assert.equal(url, bench.metadataUrl);
        const found = await bench.get(new URL(url ?? '').pathname);
        assert.equal(found.status, 200);
        assert.equal((JSON.parse(found.body) as { resource: string }).resource, bench.resource);
      }
    });
  },
};
