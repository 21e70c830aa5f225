// C11: "crit" says that what it names must be understood. Nothing it can name is.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C11: Case = {
  id: 'C11',
  level: 'MUST',
  rule: 'crit with an unknown name, empty, or of another type, and b64 in crit, are refused',
  source: 'RFC 7515 section 4.1.11; RFC 7797 section 6',
  async run(bench) {
    await bench.accepts(bench.token());
    const headers = {
      empty: { crit: [] },
      'unknown name': { crit: ['x'], x: 1 },
      'absent name': { crit: ['x'] },
      string: { crit: 'exp' },
      null: { crit: null },
      'registered name': { crit: ['alg'] },
      b64: { crit: ['b64'], b64: false },
    };
    await each(headers, async (header) => void (await bench.refuses(bench.header(header))));
  },
};
