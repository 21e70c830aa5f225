// C38: a token that is bound to a key is worth nothing in other hands, and must be.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { DpopKey } from '../../bench/dpop.ts';

export const C38: Case = {
  id: 'C38',
  level: 'MUST',
  rule: 'A token with cnf is refused as plain Bearer, also if its method is unknown or DPoP is off',
  source: 'RFC 9449 section 7.2; RFC 7800 section 3.1',
  async run(bench) {
    await bench.accepts(bench.token());
    const { thumbprint: jkt } = await DpopKey.generate();
    const bindings = {
      jkt: { jkt },
      'x5t#S256': { 'x5t#S256': jkt },
      jwk: { jwk: { kty: 'EC' } },
      unknown: { whatever: 'x' },
      empty: {},
      null: null,
      string: jkt,
    };
    await each(bindings, async (cnf) => void (await bench.refuses(bench.claims({ cnf }))));
    await bench.beside({ dpop: 'Accept' }, async (other) => {
      await other.accepts(other.token());
      await each(bindings, async (cnf) => void (await other.refuses(other.claims({ cnf }))));
    });
  },
};
