// C15: JSON is one object in UTF-8; what one parser skips the next one chokes on.
import { signCompact } from '../../../kit/issuer.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C15: Case = {
  id: 'C15',
  level: 'MUST',
  rule: 'Header and claims are one JSON object each in UTF-8; __proto__ and constructor mean nothing',
  source: 'RFC 8725 section 3.7; RFC 7519 sections 3 and 7.2; RFC 8259 section 8.1',
  async run(bench) {
    await bench.accepts(bench.token());
    const texts: Record<string, (json: string) => string | Uint8Array> = {
      'UTF-16': (json) => Buffer.from(json, 'utf16le'),
      'something after it': (json) => `${json}x`,
      'two objects': (json) => `${json}${json}`,
      'NUL after it': (json) => `${json}\u0000`,
      'a list': (json) => `[${json}]`,
      'a string': (json) => JSON.stringify(json),
      'a number': () => '1',
      null: () => 'null',
      'invalid UTF-8': (json) =>
        Buffer.concat([
          Buffer.from(json.slice(0, -1)),
          Buffer.from([0x2c, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
        ]),
      'a comma too much': (json) => json.replace(/\}$/, ',}'),
      'single quotes': (json) => json.replaceAll('"', "'"),
    };
    await each(texts, async (text) => {
      await bench.refuses(bench.token({ claimsText: text }));
      await bench.refuses(bench.token({ headerText: text }));
    });
    await each(['', ' ', '{}', '[]'], async (text) => {
      await bench.refuses(signCompact('{"alg":"RS256","typ":"at+jwt","kid":"k1"}', text, bench.key('k1')));
    });
    const grants = ['"__proto__":{"scope":"mcp:basic"}', '"constructor":{"prototype":{"scope":"mcp:basic"}}'];
    await each(grants, async (member) => {
      const claimsText = (json: string) => json.replace('"scope":"mcp:basic"', member);
      await bench.refuses(bench.token({ claimsText }), 'insufficient_scope');
    });
  },
};
