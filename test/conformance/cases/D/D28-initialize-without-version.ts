// D28: a client that has not agreed on a version yet cannot name one.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { INIT } from '../../../kit/messages.ts';

export const D28: Case = {
  id: 'D28',
  level: 'MUST°',
  rule: 'initialize passes without MCP-Protocol-Version, and none is invented',
  source: 'MCP 2025-06-18, "Protocol Version Header"',
  async run(bench) {
    await bench.accepts(bench.token(), { body: INIT });
    assert.equal(bench.forwarded[0]?.headers['mcp-protocol-version'], undefined);
  },
};
