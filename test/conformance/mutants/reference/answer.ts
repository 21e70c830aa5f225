// The MCP server's answer on its way to the client, piece by piece: streams are not held back, and not without end.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Wrong } from '../mutants.ts';
import type { ReferenceClock } from './clock.ts';
import type { Exchange } from './forward.ts';

const FIVE_MINUTES_MS = 300_000;
const COMMENT = ': still here\n\n';

/** Writes the body of an answer whose head is written; a cut one is cut for the client too. */
export async function relayBody(
  answer: IncomingMessage,
  res: ServerResponse,
  exchange: Exchange,
  { clock, wrong }: { clock: ReferenceClock; wrong: Wrong },
): Promise<void> {
  const stream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
  const held: Buffer[] = [];
  let tail = '\n\n';
  let lastAt = clock.now();
  const keepAlive = setInterval(() => {
    const quiet = clock.now() - lastAt >= exchange.keepAliveSeconds * 900;
    const atBoundary = tail.endsWith('\n\n') || wrong('comments-inside-events');
    if (quiet && atBoundary && !wrong('no-keep-alive')) res.write(COMMENT);
  }, exchange.keepAliveSeconds * 1000);
  if (!stream || exchange.keepAliveSeconds === 0) clearInterval(keepAlive);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      lastAt = clock.now();
      tail = (tail + chunk.toString('latin1')).slice(-2);
      const bytes = wrong('normalizes-line-ends') ? unixLines(chunk) : chunk;
      if (wrong('holds-streams-back')) held.push(bytes);
      else if (!res.write(bytes) && !wrong('no-back-pressure')) await drained(res);
      if (!stream && wrong('caches-lists')) exchange.onBody(chunk.toString());
    }
    res.end(Buffer.concat(held));
  } catch {
    if (res.writableEnded) return;
    if (wrong('ends-cut-streams-well')) res.end();
    else res.destroy();
  } finally {
    clearInterval(keepAlive);
  }
}

/** Calls `end` at this time of the clock, which a case may move. @returns the way to call it off */
export function at(clock: ReferenceClock, time: number, end: () => void): () => void {
  let isOver = false;
  const check = () => {
    if (isOver || clock.now() < time) return;
    isOver = true;
    end();
  };
  const timer = setInterval(check, 50);
  clock.onAdvance(check);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

/** When to give up on an answer that does not come: never, but for a fault. */
export function patienceMs(wrong: Wrong): number {
  return wrong('five-minutes-at-most') ? FIVE_MINUTES_MS : Infinity;
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.once('drain', done).once('close', done);
  });
}

function unixLines(chunk: Buffer): Buffer {
  return Buffer.from(chunk.toString('latin1').replace(/\r\n?/g, '\n'), 'latin1');
}
