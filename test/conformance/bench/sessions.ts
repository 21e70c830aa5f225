// Sessions of the legacy era: a scripted server that begins them, and clients that use them.
import assert from 'node:assert/strict';
import { RESULT, type Script } from '../../kit/upstream.ts';
import type { Bench } from './bench.ts';
import type { Answer, CallOptions } from '../../kit/http.ts';
import { INIT } from '../../kit/messages.ts';

/** Answers everything with a result, and names a session in each answer. */
export function namesSession(id: string): Script {
  return (req, res) => {
    req.resume();
    res.writeHead(200, { 'Content-Type': 'application/json', 'Mcp-Session-Id': id }).end(RESULT);
  };
}

/** Begins a session of whom the token is for. @returns its id, which no other case has */
export async function beginSession(bench: Bench, token: string): Promise<string> {
  const { script } = bench.upstream;
  const id = `session-${crypto.randomUUID()}`;
  bench.upstream.script = namesSession(id);
  const answer = await bench.accepts(token, { body: INIT });
  assert.equal(answer.headers['mcp-session-id'], id, 'the client learns of its session');
  bench.upstream.script = script;
  return id;
}

/** A request in a session. */
export function inSession(
  bench: Bench,
  token: string,
  id: string,
  { headers, ...options }: CallOptions = {},
): Promise<Answer> {
  const more = headers as Record<string, string> | undefined;
  return bench.callWith(token, { ...options, headers: { ...more, 'Mcp-Session-Id': id } });
}

/** Gets this status, and nothing reaches the MCP server. */
export async function isKeptFrom(bench: Bench, status: number, ask: () => Promise<Answer>): Promise<void> {
  const before = bench.forwarded.length;
  const answer = await ask();
  assert.equal(answer.status, status, answer.body);
  assert.equal(bench.forwarded.length, before, 'forwarded');
}
