// C25: scopes are words, compared as they are; anything of another shape grants nothing.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C25: Case = {
  id: 'C25',
  level: 'MUST°',
  rule: 'Scopes are exact words of scope, or else of scp; other types, parts of words, roles and groups grant nothing',
  source: 'RFC 9068 section 2.2.3; RFC 8693 section 4.2; RFC 6749 section 3.3',
  async run(bench) {
    const granting = {
      scope: { scope: 'mcp:basic' },
      'one of several': { scope: 'openid mcp:basic x' },
      'two spaces': { scope: 'openid  mcp:basic' },
      'scp list': { scope: undefined, scp: ['mcp:basic'] },
      'scp string': { scope: undefined, scp: 'x mcp:basic' },
    };
    await each(granting, async (claims) => void (await bench.accepts(bench.claims(claims))));
    const lacking = {
      none: { scope: undefined },
      empty: { scope: '' },
      longer: { scope: 'mcp:basicx' },
      'a suffix': { scope: 'xmcp:basic' },
      'upper case': { scope: 'MCP:BASIC' },
      'a list': { scope: ['mcp:basic'] },
      commas: { scope: 'a,mcp:basic' },
      tab: { scope: 'a\tmcp:basic' },
      object: { scope: { 'mcp:basic': true } },
      'scp of other types': { scope: undefined, scp: ['mcp:basic', 1] },
      'scp of one string with two': { scope: undefined, scp: ['mcp:basic x'] },
      roles: { scope: undefined, roles: ['mcp:basic'], groups: ['mcp:basic'], permissions: ['mcp:basic'] },
      realm_access: { scope: undefined, realm_access: { roles: ['mcp:basic'] } },
    };
    await each(
      lacking,
      async (claims) => void (await bench.refuses(bench.claims(claims), 'insufficient_scope')),
    );
  },
};
