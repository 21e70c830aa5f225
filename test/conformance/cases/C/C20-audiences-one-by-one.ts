// C20: what else is accepted is written down, value for value; nothing is by default.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { ORIGIN, RESOURCE } from '../../needs.ts';

const LISTED = ['echo-mcp-server', 'api://7d1a', `${ORIGIN}/`];

export const C20: Case = {
  id: 'C20',
  level: 'MAY',
  rule: 'Other audiences are accepted if they are listed; as an option, only tokens that name no other',
  source: 'RFC 9068 section 4; RFC 9700 section 2.3',
  async run(bench) {
    await each(LISTED, async (aud) => void (await bench.refuses(bench.claims({ aud, azp: aud }))));
    await bench.beside({ audiences: [RESOURCE, ...LISTED] }, async (other) => {
      await each(LISTED, async (aud) => void (await other.accepts(other.claims({ aud }))));
      await each(['Echo-mcp-server', 'echo-mcp-server/', 'echo', 'api://7d1a/x'], async (aud) => {
        await other.refuses(other.claims({ aud }));
      });
      await other.accepts(other.claims({ aud: [RESOURCE, 'https://other.test/mcp'] }));
    });
    await bench.beside(
      { audiences: [RESOURCE, 'echo-mcp-server'], audiencePolicy: 'Sole' },
      async (other) => {
        await other.accepts(other.claims({ aud: RESOURCE }));
        await other.accepts(other.claims({ aud: [RESOURCE] }));
        await other.refuses(other.claims({ aud: [RESOURCE, 'https://other.test/mcp'] }));
      },
    );
  },
};
