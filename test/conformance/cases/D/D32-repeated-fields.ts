// D32: of two names the next proxy may read the first, and the server the last.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { isRejected, passes } from '../../bench/headers.ts';
import { modernCall } from '../../../kit/messages.ts';

export const D32: Case = {
  id: 'D32',
  level: 'MUST°',
  rule: 'A standard field that comes twice gets 400, also with the same value twice',
  source: 'RFC 9110 section 5.3; MCP 2026-07-28, "Server Validation"',
  async run(bench) {
    const { body, headers } = modernCall('foo');
    await passes(bench, { body, headers });
    const fields = Object.entries(headers);
    await each(headers, async (value, name) => {
      for (const [first, last] of [
        [value, value],
        [value, 'x'],
        ['x', value],
      ] as const) {
        const others = fields.filter(([other]) => other !== name).flat();
        await isRejected(bench, { body, headers: [...others, name, first, name.toLowerCase(), last] });
      }
    });
  },
};
