// Header fields of the server's answer: which the client gets, and what they say of an event stream. Refuses no answer.
import { boundedMemo } from '../http/memo.ts';
import { trimOws } from '../http/field-value.ts';
import type { ResponseHead } from '../http/response-parser.ts';

/**
 * What becomes of a field: `pass` and `strip` say all of it. The others are read on the way; all of them pass but
 * `connection`, and `content-length` is written anew.
 */
type Treatment =
  | 'pass'
  | 'strip'
  | 'connection'
  | 'content-length'
  | 'content-type'
  | 'content-encoding'
  | 'cache-control'
  | 'accel-buffering';

/**
 * The hop's own fields end here; redirects are not relayed at all. The server's challenge would send clients to another
 * authorization server, its CORS answer would open what the sidecar's own keeps closed, and its name helps only an
 * attacker (RESOURCE_SERVER B22, G17).
 */
const STRIPPED: readonly string[] = [
  ...['keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-connection', 'proxy-authentication-info', 'location'],
  ...['server', 'x-powered-by', 'www-authenticate', 'via', 'alt-svc', 'x-content-type-options'],
  // A nonce of the server's would be taken for the sidecar's (RFC 9449 section 9).
  'dpop-nonce',
];

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map([
  ...STRIPPED.map((name) => [name, 'strip'] as const),
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['content-type', 'content-type'],
  ['content-encoding', 'content-encoding'],
  ['cache-control', 'cache-control'],
  ['x-accel-buffering', 'accel-buffering'],
]);

/** Spellings whose treatment is remembered. */
const MAX_SPELLINGS = 1024;

/** The head that the client gets. */
export interface ClientHead {
  /** Name, value, name, value …, as `ServerResponse.writeHead` takes them. */
  readonly fields: string[];
  /** Whether events may be put into the body: it is text as it stands, and its length is not announced. */
  readonly isOpenEventStream: boolean;
}

/** Applies the table. One per server, whose spellings it remembers. */
export class ResponseHeaders {
  readonly #treatment = boundedMemo(MAX_SPELLINGS, treatmentOf);

  /** @param added fields of the sidecar's own */
  read(head: ResponseHead, added: readonly string[]): ClientHead {
    return this.#pass(head, added, undefined);
  }

  /** @param named fields that the server's `Connection` names: they are of that hop (RFC 9110 section 7.6.1) */
  #pass(head: ResponseHead, added: readonly string[], named: ReadonlySet<string> | undefined): ClientHead {
    const { fields: received, framing } = head;
    const fields: string[] = [];
    let isEventStream = false;
    let isEncoded = false;
    let hasCacheControl = false;
    let hasBuffering = false;
    let hasLength = false;
    for (let i = 0; i < received.length; i += 2) {
      const name = received[i] as string; // names and values come in pairs
      const value = received[i + 1] as string;
      const treatment = this.#treatment(name);
      // Of a body whose coding is kept from the client nothing is known.
      if (treatment === 'content-encoding') isEncoded = true;
      if (named?.has(name.toLowerCase())) continue;
      switch (treatment) {
        case 'strip':
          continue;
        case 'connection': {
          const names = named === undefined ? namesIn(received) : undefined;
          // Seldom: fields may stand in front of the `Connection` that names them.
          if (names !== undefined) return this.#pass(head, added, names);
          continue;
        }
        case 'content-length':
          // Once, and in one spelling, however often the server says it (RFC 9110 section 8.6).
          if (framing.kind === 'length' && !hasLength) fields.push(name, String(framing.length));
          hasLength = true;
          continue;
        case 'content-type':
          isEventStream = value.toLowerCase().startsWith('text/event-stream');
          break;
        case 'cache-control':
          hasCacheControl = true;
          break;
        case 'accel-buffering':
          hasBuffering = true;
          break;
        case 'pass':
        case 'content-encoding':
          break;
        default:
          treatment satisfies never;
          continue;
      }
      fields.push(name, value);
    }
    fields.push('X-Content-Type-Options', 'nosniff');
    // MCP 2026-07-28, Streamable HTTP: keep proxies further out from holding events back.
    if (isEventStream && !hasBuffering) fields.push('X-Accel-Buffering', 'no');
    if (isEventStream && !hasCacheControl) fields.push('Cache-Control', 'no-cache, no-transform');
    for (const entry of added) fields.push(entry);
    const isOpenEventStream = isEventStream && !isEncoded && head.status === 200 && framing.kind !== 'length';
    return { fields, isOpenEventStream };
  }
}

function treatmentOf(name: string): Treatment {
  const lower = name.toLowerCase();
  return TREATMENTS.get(lower) ?? (lower.startsWith('access-control-') ? 'strip' : 'pass');
}

/** What all `Connection` fields name, in lower case; `undefined` where that is nothing but how the connection ends. */
function namesIn(fields: readonly string[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if ((fields[i] as string).toLowerCase() !== 'connection') continue;
    const value = (fields[i + 1] as string).toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue;
    names ??= new Set();
    for (const name of value.split(',')) names.add(trimOws(name));
  }
  return names;
}
