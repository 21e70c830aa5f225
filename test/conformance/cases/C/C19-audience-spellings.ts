// C19: spellings that mean the same identifier by RFC 3986, and that clients are known to send.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { ORIGIN } from '../../needs.ts';

export const C19: Case = {
  id: 'C19',
  level: 'SHOULD°', // MCP says it of the URI; RFC 7519 section 2 compares StringOrURI as it is
  rule: 'Case of scheme and host, the default port, and the slash of an empty path make no difference in aud',
  source: 'MCP "Canonical Server URI"; RFC 3986 sections 6.2.2.1 and 6.2.3',
  async run(bench) {
    await each(
      { host: 'https://MCP.example.test:8001/mcp', scheme: 'HTTPS://mcp.example.test:8001/mcp' },
      async (aud) => {
        await bench.accepts(bench.claims({ aud }));
      },
    );
    await bench.refuses(bench.claims({ aud: `${bench.resource}/` }));
    await bench.beside({ resource: ORIGIN }, async (other) => {
      await each({ 'no slash': ORIGIN, slash: `${ORIGIN}/` }, async (aud) => {
        await other.accepts(other.claims({ aud }));
      });
      await other.refuses(other.claims({ aud: `${ORIGIN}//` }));
    });
    await bench.beside({ resource: 'https://mcp.example.test/mcp' }, async (other) => {
      await other.accepts(other.claims({ aud: 'https://mcp.example.test:443/mcp' }));
      await other.refuses(other.claims({ aud: 'https://mcp.example.test:8001/mcp' }));
    });
  },
};
