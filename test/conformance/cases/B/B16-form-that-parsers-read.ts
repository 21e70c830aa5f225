// B16: the one spelling that all known clients read; several stop at another that is just as legal.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const FORM =
  /^Bearer (?:error="[a-z_]+", )?(?:scope="[^"\\]*", )?resource_metadata="[^"\\]+"(?:, error_description="[^"\\]*")?(?:, DPoP .*)?$/;

export const B16: Case = {
  id: 'B16',
  level: 'SHOULD°',
  rule: 'One field line, Bearer first, name="value" joined by ", ", nothing escaped, machine parameters first',
  source: 'RFC 9110 section 11.6.1; the parsers of the TypeScript SDK, qwen-code and VS Code',
  async run(bench) {
    const answers = {
      'no credentials': await bench.call(),
      'bad token': await bench.callWith('x'),
      'too few scopes': await bench.callWith(bench.claims({ scope: 'openid' })),
      'malformed request': await bench.callWith('a b'),
    };
    await each(answers, (answer) => {
      const lines = answer.lines('www-authenticate');
      assert.equal(lines.length, 1, 'one field line');
      assert.match(lines[0] ?? '', FORM);
      const names = [...(lines[0] ?? '').matchAll(/([a-z_]+)="/g)].map(([, name]) => name);
      assert.equal(new Set(names).size, names.length, 'each name once');
    });
  },
};
