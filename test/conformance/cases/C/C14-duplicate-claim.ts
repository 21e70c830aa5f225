// C14: a member that comes twice means one thing to us and another to the next reader.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C14: Case = {
  id: 'C14',
  level: 'MUST°', // the RFCs allow to take the last one, too
  rule: 'A token with a member twice, in header or claims, is refused',
  source: 'RFC 7515 section 4; RFC 7519 section 4',
  async run(bench) {
    const aud = JSON.stringify(bench.resource);
    const claimsText = (from: RegExp, to: string) =>
      bench.token({ claimsText: (json) => json.replace(from, to) });
    await bench.accepts(bench.token());
    await each(
      {
        'aud, ours last': claimsText(/^\{/, '{"aud":"https://other.test/mcp",'),
        'aud, ours first': claimsText(/\}$/, ',"aud":"https://other.test/mcp"}'),
        'the same value twice': claimsText(/^\{/, `{"aud":${aud},`),
        'the name escaped': claimsText(/^\{/, '{"\\u0061ud":"https://other.test/mcp",'),
        'alg in the header': bench.token({ headerText: (json) => json.replace(/^\{/, '{"alg":"none",') }),
      },
      async (token) => void (await bench.refuses(token)),
    );
  },
};
