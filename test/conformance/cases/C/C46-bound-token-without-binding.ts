// C46: who does not know how a token is bound cannot know that it is in the right hands. RFC 7800 would let it pass.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { DpopClient } from '../../../kit/dpop.ts';

export const C46: Case = {
  id: 'C46',
  level: 'SHOULD°',
  rule: 'A token with cnf is refused as plain Bearer also if its method is unknown, or not supported here',
  source:
    'RFC 9449 section 7.2 and RFC 8705 section 3, where neither is supported; stricter than RFC 7800 section 3.1',
  async run(bench) {
    await bench.accepts(bench.token());
    const { jkt } = await DpopClient.create();
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
