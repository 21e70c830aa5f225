// D15: an error of the target must not look like one of the server's, which clients act upon.
import assert from 'node:assert/strict';
import { answerRaw } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import type { CallOptions } from '../../../kit/http.ts';
import { message, modernCall } from '../../../kit/messages.ts';

interface Rpc {
  readonly id?: unknown;
  readonly error?: { readonly code?: number };
}

/** As MCP 2026-07-28 defines them ("Error Codes"); the status is that of both. */
const DEFINED = new Set([-32020, -32022]);

export const D15: Case = {
  id: 'D15',
  level: 'MUST°',
  rule: 'A server that does not answer is 502 with the request’s id; own codes are never -32000 to -32019',
  source: 'MCP 2026-07-28, "Error Codes"; JSON-RPC 2.0 section 5',
  own: true,
  async run(bench) {
    const token = bench.token();
    const legacy = { body: message('tools/call', { name: 't' }, 'seven') };
    const modern = modernCall('t');
    const bad: Record<string, CallOptions> = {
      'no JSON': { body: '{' },
      'no message': { body: '7' },
      'no header': { body: modern.body },
      'another method': { ...modern, headers: { ...modern.headers, 'Mcp-Method': 'tools/list' } },
      'another version': { ...legacy, headers: { 'MCP-Protocol-Version': '2099-01-01' } },
      'a batch': { body: '[]' },
    };
    await each(bad, async (options) => {
      const answer = await bench.callWith(token, options);
      assert.equal(answer.status, 400);
      checkCode(JSON.parse(answer.body) as Rpc);
    });
    const fails = async (id: unknown, options: CallOptions) => {
      const answer = await bench.callWith(token, options);
      assert.equal(answer.status, 502);
      const rpc = JSON.parse(answer.body) as Rpc;
      assert.equal(rpc.id, id, `the id in ${answer.body}`);
      checkCode(rpc);
    };
    bench.upstream.script = answerRaw('nonsense\r\n\r\n');
    await fails('seven', legacy);
    await bench.upstream.close();
    await fails('seven', legacy);
    await fails(1, modern);
  },
};

function checkCode({ error }: Rpc): void {
  const code = error?.code ?? assert.fail('no code');
  assert.ok(code < -32019 || code > -32000, `${code} is the server’s`);
  assert.ok(code < -32099 || code > -32020 || DEFINED.has(code), `${code} means something else`);
}
