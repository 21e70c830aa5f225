// D30: two texts for one thing: who decides by the one and acts by the other is deceived.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { isRejected, passes, withFields } from '../../bench/headers.ts';
import { modernCall } from '../../../kit/messages.ts';

const CALL = modernCall('foo');
const { 'Mcp-Method': _, ...WITHOUT_METHOD } = CALL.headers;

export const D30: Case = {
  id: 'D30',
  level: 'MUST',
  rule: 'Version, method and name in the fields are those of the body, letter by letter',
  source: 'MCP 2026-07-28, Streamable HTTP, "Server Validation"; RFC 9110 section 5.5',
  async run(bench) {
    const good = {
      'as it is': CALL,
      'a field name in capitals': {
        body: CALL.body,
        headers: { ...WITHOUT_METHOD, 'MCP-METHOD': 'tools/call' },
      },
      'blanks around the value': withFields(CALL, { 'Mcp-Name': '  foo \t' }),
    };
    await each(good, (options) => passes(bench, options));
    const bad: Record<string, Record<string, string>> = {
      'method in capitals': { 'Mcp-Method': 'TOOLS/CALL' },
      'another method': { 'Mcp-Method': 'tools/list' },
      'another name': { 'Mcp-Name': 'bar' },
      'name in capitals': { 'Mcp-Name': 'Foo' },
      'a no-break space in UTF-8': { 'Mcp-Name': '\u00A0foo' },
      'a legacy version': { 'MCP-Protocol-Version': '2025-11-25' },
    };
    await each(bad, (changes) => isRejected(bench, withFields(CALL, changes)));
    // With a body of bytes the field goes out as it is: one byte a character. With a text it would be UTF-8.
    const latin1 = { ...withFields(CALL, { 'Mcp-Name': '\u00A0foo' }), body: Buffer.from(CALL.body) };
    await isRejected(bench, latin1);
  },
};
