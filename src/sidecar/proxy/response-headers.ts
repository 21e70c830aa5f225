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
  | 'expires'
  | 'accel-buffering';

/** Names in lower case of fields that end here; a `*` at the end or the beginning stands for any characters. */
const STRIPPED: readonly string[] = [
  // The hop's own (RFC 9110 section 7.6.1).
  ...['keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-*', 'via'],
  // Name the server's own address, or send the client to another; redirects are not relayed at all (RESOURCE_SERVER D2, G21).
  ...['location', 'content-location', 'content-base', 'uri', 'link', 'refresh', 'alt-svc'],
  ...['sourcemap', 'x-sourcemap', 'x-debug-token-link', 'forwarded', 'x-forwarded-*', 'x-original-*'],
  // Its challenge would send clients to another authorization server, and its CORS answer would open what the sidecar's own
  // keeps closed; a nonce of the server's would be taken for the sidecar's (RESOURCE_SERVER B22; RFC 9449 section 9).
  ...['www-authenticate', 'authentication-info', 'dpop-nonce', 'access-control-*', 'timing-allow-origin'],
  // Which product it is helps only an attacker (RESOURCE_SERVER G17).
  ...['server', 'x-powered-by', 'x-aspnet-version', 'x-aspnetmvc-version', 'x-generator', 'x-runtime'],
  ...['x-served-by', 'x-backend*', 'x-upstream*', 'x-envoy-*', 'x-debug-token'],
  // Written anew.
  'x-content-type-options',
  // Bind browsers to a policy for the whole public host, which is not the server's to decide.
  ...[
    'strict-transport-security',
    'public-key-pins*',
    'expect-ct',
    'clear-site-data',
    'service-worker-allowed',
  ],
  ...['nel', 'report-to', 'reporting-endpoints'],
  // Commands for a proxy further out: to answer with a file of its own, or from another place.
  ...['x-accel-redirect', 'x-accel-charset', 'x-accel-limit-rate', 'x-sendfile*', 'x-lighttpd-*'],
  ...['x-reproxy-*', 'x-litespeed-*', 'x-archive-*'],
  // Caching by proxies further out, which wins over Cache-Control there (RFC 9213; RESOURCE_SERVER G21).
  ...['surrogate-*', '*-cache-control', 'edge-control', 'x-accel-expires'],
];

const IS_STRIPPED = new RegExp(`^(?:${STRIPPED.map((name) => name.replace('*', '.*')).join('|')})$`);

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map([
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['content-type', 'content-type'],
  ['content-encoding', 'content-encoding'],
  ['cache-control', 'cache-control'],
  ['expires', 'expires'],
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
  readonly #cacheControl = boundedMemo(MAX_SPELLINGS, withoutSharedCaching);

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
    let hasExpires = false;
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
          fields.push(name, this.#cacheControl(value));
          hasCacheControl = true;
          continue;
        case 'expires':
          hasExpires = true;
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
    else if (hasExpires && !hasCacheControl) fields.push('Cache-Control', 'private');
    for (const entry of added) fields.push(entry);
    const isOpenEventStream = isEventStream && !isEncoded && head.status === 200 && framing.kind !== 'length';
    return { fields, isOpenEventStream };
  }
}

function treatmentOf(name: string): Treatment {
  const lower = name.toLowerCase();
  return TREATMENTS.get(lower) ?? (IS_STRIPPED.test(lower) ? 'strip' : 'pass');
}

/** RFC 9111 section 5.2: a directive and its value, unquoted. */
const DIRECTIVE = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:=[!#$%&'*+.^_`|~0-9a-z-]*)?$/;
/** Those that let a shared cache store the answer to a request with `Authorization` (RFC 9111 section 3.5). */
const SHARING: ReadonlySet<string> = new Set(['public', 's-maxage']);
/** Those that let no cache store what it would not store anyway. */
const HARMLESS: ReadonlySet<string> = new Set(['no-cache', 'no-transform']);

/** A `Cache-Control` by which no shared cache stores the answer; what it says to the client's own cache stays. */
function withoutSharedCaching(value: string): string {
  const directives = value.toLowerCase().split(',').map(trimOws);
  // Quoted field names, or what some caches read in one way and others in another.
  if (!directives.every((directive) => directive === '' || DIRECTIVE.test(directive))) return 'no-store';
  const kept = directives.filter((directive) => directive !== '' && !SHARING.has(directiveName(directive)));
  const isPrivate = kept.includes('private') || kept.includes('no-store') || kept.every(isHarmless);
  if (!isPrivate) return ['private', ...kept].join(', ');
  if (kept.length === directives.length) return value;
  return kept.length === 0 ? 'private' : kept.join(', ');
}

function isHarmless(directive: string): boolean {
  return HARMLESS.has(directive);
}

function directiveName(directive: string): string {
  return directive.split('=', 1)[0] as string; // there is always a first part
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
