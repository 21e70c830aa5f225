// The bytes of a watch as events: one JSON object a line. Opens nothing, keeps nothing, retries nothing.
import { ApiError, NoAnswerError, type ApiStatus } from './errors.ts';
import type { KubeObject } from './object.ts';

/** etcd refuses objects above 1.5 MiB; JSON with managed fields is longer, but not without limit. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing changed up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * Reads events until the stream ends.
 * @throws ApiError for an ERROR event: the answer was a 200, the refusal comes within it
 * @throws NoAnswerError (`malformed`) for a line that is cut, too long, or no event
 */
export async function* watchEvents(
  what: string,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<WatchEvent> {
  for await (const line of lines(what, bytes)) {
    if (line.length === 0) continue;
    const event = parse(what, line);
    if (event !== undefined) yield event;
  }
}

/** Split by hand: node:readline turns the abort of its input into an unhandled `error` event. */
async function* lines(what: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      from = end + 1;
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_LINE_BYTES) throw malformed(what, `watch event exceeds ${MAX_LINE_BYTES} bytes`);
  }
  if (length > 0) throw malformed(what, 'stream ended within a watch event');
}

function parse(what: string, line: string): WatchEvent | undefined {
  const { type, object } = decode(what, line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as KubeObject }; // the API server's word for it
    case 'BOOKMARK': {
      const { resourceVersion } = (object as KubeObject).metadata;
      return resourceVersion === undefined ? undefined : { type, resourceVersion };
    }
    case 'ERROR': {
      const status = object as ApiStatus; // the API server's word for it
      throw new ApiError(what, {
        status: status.code ?? 500,
        body: status,
        retryAfterMs: retryAfter(status),
      });
    }
    default:
      throw malformed(what, `watch event of unknown type ${JSON.stringify(type)}`);
  }
}

function decode(what: string, line: string): { type: unknown; object: object } {
  try {
    const event = JSON.parse(line) as { type?: unknown; object?: unknown } | null; // checked in the next lines
    if (typeof event?.object === 'object' && event.object !== null)
      return { type: event.type, object: event.object };
  } catch (cause) {
    throw malformed(what, 'watch event is not JSON', cause);
  }
  throw malformed(what, 'watch event without an object');
}

function retryAfter({ details }: ApiStatus): number | undefined {
  return details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1000;
}

function malformed(what: string, detail: string, cause?: unknown): NoAnswerError {
  return new NoAnswerError(what, 'malformed', detail, { cause });
}
