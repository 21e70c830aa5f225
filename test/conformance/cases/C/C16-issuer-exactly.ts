// C16: an issuer is a string, and its keys verify its own tokens only.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C16: Case = {
  id: 'C16',
  level: 'MUST',
  rule: 'iss equals a configured issuer byte for byte, and the key is that issuer’s',
  source: 'RFC 9068 section 4; RFC 8725 section 3.8',
  needs: { secondIssuer: true },
  async run(bench) {
    await bench.accepts(bench.token());
    await bench.accepts(bench.token({}, bench.second));
    const { issuer } = bench.issuer;
    const names: Record<string, unknown> = {
      'with a slash': `${issuer}/`,
      'host in upper case': issuer.replace('localhost', 'LOCALHOST'),
      'scheme in upper case': issuer.replace('https', 'HTTPS'),
      'another realm': issuer.replace('my-realm', 'other'),
      'a realm below': `${issuer}/x`,
      'a prefix': issuer.slice(0, -1),
      'with spaces': ` ${issuer}`,
      missing: undefined,
      'in a list': [issuer],
      empty: '',
    };
    await each(names, async (iss) => void (await bench.refuses(bench.claims({ iss }))));
    const [a, b] = [bench.issuer.keys[0]!, bench.second.keys[0]!];
    const tokens = {
      'the first issuer’s, signed by the second': bench.token({ key: b }),
      'the second issuer’s, signed by the first': bench.token({ key: a }, bench.second),
      'the first issuer’s by the second, without a key id': bench.token({
        key: b,
        header: { kid: undefined },
      }),
    };
    await each(tokens, async (token) => void (await bench.refuses(token)));
  },
};
