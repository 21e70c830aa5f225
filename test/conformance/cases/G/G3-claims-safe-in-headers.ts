// G3: a claim is a text that others choose; in a header it must neither end the line nor change its meaning.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { IDENTITY } from '../../needs.ts';

const SUBJECTS = [
  'alice',
  'a\r\nX-Admin: 1',
  'a\nb',
  'a\u0000b',
  'Zoë',
  'алиса',
  '100%41',
  ' a ',
  'a\tb',
  '😀',
];
const LONGEST_LINE = 8192;

export const G3: Case = {
  id: 'G3',
  level: 'MUST°',
  rule: 'A forwarded claim is one line of visible ASCII that decodes to the claim, and is bounded in length',
  source: 'RFC 9110 section 5.5',
  async run(bench) {
    await each(SUBJECTS, async (sub) => {
      await bench.accepts(bench.claims({ sub }));
      const { rawHeaders = [], headers } = bench.forwarded.at(-1) ?? {};
      assert.equal(headers?.['x-admin'], undefined, 'the claim made a field');
      const lines = rawHeaders.filter(
        (_, index) => rawHeaders[index - 1]?.toLowerCase() === IDENTITY.toLowerCase(),
      );
      assert.equal(lines.length, 1, 'one line');
      const [value = ''] = lines;
      assert.match(value, /^[\x21-\x7e]+$/);
      const readings = [percentDecoded(value), Buffer.from(value, 'base64url').toString()];
      assert.ok(readings.includes(sub), `${JSON.stringify(value)} is not ${JSON.stringify(sub)}`);
    });
    await bench.callWith(bench.claims({ sub: 'é'.repeat(4000) }));
    const longest = Math.max(...(bench.forwarded.at(-1)?.rawHeaders ?? []).map(({ length }) => length));
    assert.ok(longest <= LONGEST_LINE, `a line of ${longest}`);
  },
};

function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
