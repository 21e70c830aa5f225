// D31: names that no header field can carry come in base64, between marks.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { isRejected, passes, withFields } from '../../bench/headers.ts';
import { modernCall } from '../../../kit/messages.ts';

export const D31: Case = {
  id: 'D31',
  level: 'MUST',
  rule: 'A value between =?base64? and ?= is decoded before it is compared; one that cannot be gets 400',
  source: 'MCP 2026-07-28 (SEP-2243), "Value Encoding"',
  async run(bench) {
    const named = (tool: string, field: string) => withFields(modernCall(tool), { 'Mcp-Name': field });
    const good = {
      encoded: named('Hello', '=?base64?SGVsbG8=?='),
      'not ASCII': named('grüße', `=?base64?${Buffer.from('grüße').toString('base64')}?=`),
      'capitals are literal': named('=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='),
      'no end is literal': named('=?base64?SGVsbG8=', '=?base64?SGVsbG8='),
    };
    await each(good, (options) => passes(bench, options));
    const bad = {
      'no base64': named('Hello', '=?base64?SGVs!!!bG8=?='),
      'no padding': named('Hello', '=?base64?SGVsbG8?='),
      'something else': named('Hello', '=?base64?SGVsbG9v?='),
      'capitals are not decoded': named('Hello', '=?BASE64?SGVsbG8=?='),
    };
    await each(bad, (options) => isRejected(bench, options));
  },
};
