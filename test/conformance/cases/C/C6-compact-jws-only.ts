// C6: a token is three parts of base64url and has one spelling; every other is another token to some parser.
import assert from 'node:assert/strict';
import { altered } from '../../bench/forge.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C6: Case = {
  id: 'C6',
  level: 'MUST',
  rule: 'Only a compact JWS of three non-empty parts in strict base64url is accepted',
  source: 'RFC 7515 sections 2, 3.1 and 7.1; RFC 4648 sections 3.2 and 3.3',
  async run(bench) {
    await bench.accepts(bench.token());
    const tokens = {
      'one part': altered(bench, (h) => [h]),
      'two parts': altered(bench, (h, c) => [h, c]),
      'four parts': altered(bench, (h, c, s) => [h, c, s, s]),
      'five parts, as a JWE': altered(bench, (h, c, s) => [h, c, s, s, s]),
      'empty header': altered(bench, (_, c, s) => ['', c, s]),
      'empty claims': altered(bench, (h, _, s) => [h, '', s]),
      'empty signature': altered(bench, (h, c) => [h, c, '']),
      'empty parts': '..',
      'padding after the signature': altered(bench, (h, c, s) => [h, c, `${s}=`]),
      'padding twice': altered(bench, (h, c, s) => [h, c, `${s}==`]),
      'a tab inside': altered(bench, (h, c, s) => [h, c, `${s.slice(0, 9)}\t${s.slice(9)}`]),
      'plus and slash': altered(bench, (h, c, s) => [h, c, `${s.slice(0, -2)}+/`]),
      'the signature in base64': altered(bench, (h, c, s) => [
        h,
        c,
        Buffer.from(s, 'base64url').toString('base64'),
      ]),
      'characters that are none': altered(bench, (h, c, s) => [h, c, `${s}!`]),
    };
    await each(tokens, async (token) => void (await bench.refuses(token)));
    await each({ flattened: '{"payload":"x"}', general: '{"payload":"x","signatures":[]}' }, async (json) => {
      const { status } = await bench.callWith(json);
      assert.ok(status === 401 || status === 400, `JSON serialization: ${status}`); // a comma makes it a list (C4)
    });
    assert.equal(bench.forwarded.length, 1, 'requests at the MCP server');
  },
};
