// Requests written byte by byte, good but for what a case changes, and what became of them.
import { waitFor } from '../../kit/wait.ts';
import type { RawConnection } from '../../kit/raw.ts';
import type { Bench } from './bench.ts';
import { call } from '../../kit/messages.ts';

export const BODY = call('read_file');

export interface Wire {
  readonly requestLine?: string;
  /** Instead of the usual one. */
  readonly host?: readonly string[];
  readonly token?: string | undefined;
  /** Whole lines, after the others. */
  readonly lines?: readonly string[];
  /** What says where the body ends; Content-Length unless said otherwise. */
  readonly framing?: readonly string[];
  readonly body?: string;
}

/** The text of a POST to the endpoint. */
export function wire(bench: Bench, { token, lines = [], body = BODY, ...changes }: Wire = {}): string {
  const { requestLine = `POST ${bench.path} HTTP/1.1`, host = [`Host: ${bench.host}`] } = changes;
  return [
    requestLine,
    ...host,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(changes.framing ?? [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...lines,
    '',
    body,
  ].join('\r\n');
}

/** BODY as one chunk, with the size line and what ends the chunk as the case wants them. */
export function chunked({ size = BODY.length.toString(16), end = '\r\n', last = '0\r\n\r\n' } = {}): string {
  return `${size}\r\n${BODY}${end}${last}`;
}

/** Sends on a connection of its own. Ends with the first response, the end of the connection, or out of patience. */
export async function exchange(bench: Bench, bytes: string, milliseconds = 3_000): Promise<RawConnection> {
  const connection = await bench.raw();
  connection.send(bytes);
  await settles(() => connection.closed || connection.statuses.length > 0, milliseconds);
  return connection;
}

/** Whether the condition comes true in time. */
export async function settles(condition: () => boolean, milliseconds: number): Promise<boolean> {
  try {
    await waitFor(condition, 'a condition', milliseconds);
  } catch {
    return condition();
  }
  return true;
}
