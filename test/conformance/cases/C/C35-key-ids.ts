// C35: a key id is a word to look up, not a number, a path or a promise that it is there only once.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { keyPair, signedAs } from '../../bench/forge.ts';

const TWINS = {
  'the first of three': keyPair('twin', 'rsa'),
  'the second of three': keyPair('twin', 'rsa'),
  'the third of three, of another type': keyPair('twin', 'P-256'),
};

export const C35: Case = {
  id: 'C35',
  level: 'SHOULD°',
  rule: 'Without a key id a key that fits is found; a key id twice is no crash; ids of other types are refused',
  source: 'RFC 8725 section 3.10; RFC 7515 section 4.1.4; RFC 7517 section 4.5',
  prepare: ({ issuer }) => void issuer.extraJwks.push(...Object.values(TWINS).map(({ jwk }) => jwk)),
  async run(bench) {
    await bench.accepts(bench.token());
    await each(TWINS, (key) =>
      bench.withAlgorithm(key.alg, async () => {
        await bench.accepts(signedAs(bench, { alg: key.alg, kid: 'twin' }, key));
      }),
    );
    await bench.beside({}, (other) =>
      each({ 'no key id, RS256': 'k1', 'no key id, ES256': 'e1' } as const, (kid) => {
        const key = other.key(kid);
        return bench.withAlgorithm(key.alg, async () => {
          await other.accepts(other.token({ key, header: { kid: undefined } }));
        });
      }),
    );
    const noIds = { number: 1, object: { kid: 'k1' }, list: ['k1'], null: null };
    await each(noIds, async (kid) => void (await bench.refuses(bench.header({ kid }))));
    const ids = {
      path: '../../etc/passwd',
      SQL: "' OR 1=1 --",
      URL: 'https://evil.test/key',
      empty: '',
      prototype: '__proto__',
      'longer than any': 'k'.repeat(4_000),
    };
    await each(ids, (kid) => bench.refusesUnknownKey(bench.header({ kid })));
    await bench.accepts(bench.token());
  },
};
