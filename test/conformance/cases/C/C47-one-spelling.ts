// C47: a token that has two spellings slips past a list that has the one that was revoked.
import { altered, withUnusedBits } from '../../bench/forge.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export const C47: Case = {
  id: 'C47',
  level: 'SHOULD°',
  rule: 'What may be overlooked is refused: unused bits of base64url, a byte order mark before JSON, b64 without crit',
  source: 'RFC 4648 section 3.5 and RFC 8259 section 8.1 leave it to the decoder (MAY); RFC 7797 section 6',
  async run(bench) {
    await bench.accepts(bench.token());
    const marked = (json: string) => Buffer.concat([MARK, Buffer.from(json)]);
    const tokens = {
      'unused bits in the signature': altered(bench, (h, c, s) => [h, c, withUnusedBits(s)]),
      'a mark before the claims': bench.token({ claimsText: marked }),
      'a mark before the header': bench.token({ headerText: marked }),
      // Who knows RFC 7797 reads other claims in it than who does not.
      'b64: false that crit does not name': bench.header({ b64: false }),
    };
    await each(tokens, async (token) => void (await bench.refuses(token)));
  },
};
