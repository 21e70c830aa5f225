// B16: the one spelling that all known clients read; several stop at another that is just as legal.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

/** Of one challenge, after its scheme. */
const PARAMETERS = /^[a-z_]+="[^"\\]*"(?:, [a-z_]+="[^"\\]*")*$/;
/** What machines read, in this order, and then what people read. */
const ORDER = ['error', 'scope', 'resource_metadata', 'error_description'];

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
      assert.equal(lines.length, 1, 'field lines');
      const [line = ''] = lines;
      assert.ok(line.startsWith('Bearer '), `it begins with "${line.slice(0, 20)}"`);
      const bearer = line.slice('Bearer '.length).replace(/, DPoP .*$/, '');
      assert.match(bearer, PARAMETERS, 'the form of the parameters');
      const names = [...bearer.matchAll(/([a-z_]+)="/g)].map(([, name]) => name ?? '');
      const ordered = ORDER.filter((name) => names.includes(name));
      assert.equal(names.join(', '), ordered.join(', '), 'the order of the parameters');
    });
  },
};
