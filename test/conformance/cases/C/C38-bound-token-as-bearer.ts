// C38: a token that is bound to a key is worth nothing in other hands, and must be. Without DPoP: C46.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { DpopClient } from '../../../kit/dpop.ts';

export const C38: Case = {
  id: 'C38',
  level: 'MUST',
  rule: 'Where DPoP is accepted, a token with cnf.jkt is refused as plain Bearer',
  source: 'RFC 9449 section 7.2',
  needs: { dpop: 'Accept' },
  async run(bench) {
    await bench.accepts(bench.token());
    const { jkt } = await DpopClient.create();
    const bindings = {
      jkt: { jkt },
      'jkt beside another member': { jkt, kid: 'x' },
      'jkt empty': { jkt: '' },
    };
    await each(bindings, async (cnf) => void (await bench.refuses(bench.claims({ cnf }))));
  },
};
