// Assertions of section D-III: that a message passes, or is refused for what its header fields or its body say.
import assert from 'node:assert/strict';
import type { Bench } from './bench.ts';
import type { CallOptions } from '../../kit/http.ts';

/** Passes, and reaches the MCP server. */
export async function passes(bench: Bench, options: CallOptions): Promise<void> {
  await bench.accepts(bench.token(), options);
}

/** Gets 400 with one of these JSON-RPC errors, and nothing reaches the MCP server. */
export async function isRejected(
  bench: Bench,
  options: CallOptions,
  codes: readonly number[] = [-32020],
): Promise<void> {
  const before = bench.forwarded.length;
  const answer = await bench.callWith(bench.token(), options);
  assert.equal(answer.status, 400, `status ${answer.status}: ${answer.body}`);
  assert.equal(bench.forwarded.length, before, 'forwarded');
  const rpc = JSON.parse(answer.body) as { id?: unknown; error?: { code?: number } };
  assert.ok(codes.includes(rpc.error?.code ?? 0), `the code in ${answer.body}`);
  const sent = JSON.parse(String(options.body)) as { id?: unknown }; // of a batch: none
  assert.equal(rpc.id, sent.id, `the id in ${answer.body}`);
}

/** Other fields; `undefined` removes one. */
export function withFields(
  message: { readonly body: string; readonly headers: Readonly<Record<string, string>> },
  changes: Readonly<Record<string, string | undefined>>,
): CallOptions & { readonly headers: Readonly<Record<string, string>> } {
  const all = Object.entries({ ...message.headers, ...changes });
  const headers = Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== undefined));
  return { body: message.body, headers };
}
