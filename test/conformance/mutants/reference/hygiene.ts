// What the reference server does to the fields of a message on its way up and down, and which requests it does not look at
// at all because two parties could read them differently (RFC 9110 section 7.6, RFC 9112).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';
import { ASSERTION, IDENTITY } from '../../needs.ts';
import type { Wrong } from '../mutants.ts';
import { signDocument } from './configuration.ts';
import type { Members } from './jws.ts';
import type { ReferenceContext } from './token.ts';

type Rules = Pick<ReferenceContext, 'setup' | 'wrong'>;

const PSEUDONYM = `reference-${crypto.randomUUID()}`;
const MAX_FIELDS = 100;

const HOP_BY_HOP = /^(connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|expect)$/;
/** All that clients may say to the MCP server. */
const HARMLESS =
  /^(accept(-.*)?|content-.*|cache-control|pragma|if-.*|range|prefer|priority|user-agent|trace(parent|state)|baggage|x-request-id|via|last-event-id|idempotency-key|mcp-(?!.*(subject|user|client|auth)).*|mcp-param-.*|x-mcp-(readonly|toolsets|tools))$/;

/** What the listener lets in: TLS 1.2 and 1.3, strict HTTP/1.1, a head within two seconds. */
export function listenerOptions(wrong: Wrong): ServerOptions {
  return {
    ...(wrong('old-tls') ? { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } : { minVersion: 'TLSv1.2' }),
    ALPNProtocols: wrong('offers-h2') ? ['h2', 'http/1.1'] : ['http/1.1'],
    insecureHTTPParser: wrong('lenient-parser'),
    headersTimeout: wrong('patient-with-heads') ? 0 : 2_000,
    connectionsCheckingInterval: 500,
  };
}

const ended = new WeakSet<object>();

/** Whether what comes now follows a request whose end is not known: it may be a part of that one. */
export function isAfterTheEnd({ socket }: IncomingMessage, wrong: Wrong): boolean {
  return ended.has(socket) && !wrong('reads-on-after-400');
}

/** Refuses a request whose end is not known: the connection ends with it. */
export function endUnread(req: IncomingMessage, res: ServerResponse, status: number): void {
  ended.add(req.socket);
  res.writeHead(status, { Connection: 'close', 'Content-Length': 0 });
  res.end();
  res.once('finish', () => req.socket.destroySoon());
}

/** After the answer, a body that is not read must not keep the connection. */
export function closeUnread(req: IncomingMessage, res: ServerResponse): void {
  res.once('finish', () => {
    setTimeout(() => {
      if (!req.complete) req.socket.destroySoon();
    }, 300).unref();
  });
}

/** The status with which a request is refused before its target is looked at. */
export function framingProblem(req: IncomingMessage, { setup, wrong }: Rules): number | undefined {
  if (req.rawHeaders.length > 2 * MAX_FIELDS && !wrong('any-number-of-fields')) return 431;
  const hosts = linesOf(req, 'host');
  if ((hosts.length !== 1 || !/^[\w.-]+(:\d+)?$/.test(hosts[0] ?? '')) && !wrong('first-host-wins'))
    return 400;
  if (!/^1\.[01]$/.test(req.httpVersion)) return 400;
  const { authority } = targetOf(req);
  if (authority !== undefined && authority !== new URL(setup.resource).host && !wrong('any-authority'))
    return 421;
  if (/[#]|^https?:\/\/[^/?]*@/i.test(req.url ?? '') && !wrong('any-target')) return 400;
  if (/\/(\.|%2e)+\//i.test(req.url ?? '') && !wrong('any-target')) return 404;
  if (!/^(GET|HEAD|POST|DELETE|OPTIONS|PUT|PATCH)$/.test(req.method ?? '') && !wrong('any-method'))
    return 405;
  const codings = linesOf(req, 'transfer-encoding');
  if (codings.length > 0 && req.httpVersion !== '1.1') return 400;
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked') && !wrong('any-coding')) return 400;
  const length = Number(req.headers['content-length'] ?? 0);
  if (!Number.isSafeInteger(length)) return 400;
  if (/^(GET|HEAD|DELETE)$/.test(req.method ?? '') && (codings.length > 0 || length > 0)) return 400;
  if (linesOf(req, 'via').some((via) => via.includes(PSEUDONYM)) && !wrong('runs-in-circles')) return 508;
  return undefined;
}

/** Where a request target leads, and whom it names if it is in absolute form. */
export function targetOf(req: IncomingMessage): { readonly authority?: string; readonly target: string } {
  const target = req.url ?? '';
  if (target.startsWith('/') || !URL.canParse(target)) return { target };
  const { host, pathname, search } = new URL(target);
  return { authority: host, target: pathname + search };
}

type Kept = Readonly<Record<string, string | string[] | undefined>>;
type Headers = Record<string, string | string[]>;

/** For the MCP server: what is left of the fields by which clients could speak in our name, and then ours. */
export function upwardFields(
  kept: Kept,
  req: IncomingMessage,
  caller: Members,
  { setup, wrong }: Rules,
): Headers {
  const named = namedByConnection(req);
  const headers: Headers = {};
  for (const [name, value] of Object.entries(kept)) {
    const isFraming = name === 'transfer-encoding';
    if (value === undefined || isProxyWord(name, wrong)) continue;
    if ((HOP_BY_HOP.test(name) || named.has(name)) && !isFraming && !wrong('keeps-hop-by-hop')) continue;
    headers[name] = value;
  }
  if (wrong('keeps-hop-by-hop')) for (const name of ['connection', 'upgrade']) addFrom(req, name, headers);
  const ours: Kept = {
    [IDENTITY.toLowerCase()]: headerSafe(caller['sub'], wrong),
    ...(setup.identityAssertion ? { [ASSERTION.toLowerCase()]: assertionOf(caller, { setup, wrong }) } : {}),
    ...(wrong('believes-forwarded')
      ? {}
      : {
          'x-forwarded-for': req.socket.remoteAddress,
          'x-forwarded-proto': 'https',
          'x-forwarded-host': new URL(setup.resource).host,
        }),
    ...(wrong('no-via') ? {} : { via: [req.headers.via, `1.1 ${PSEUDONYM}`].filter(Boolean).join(', ') }),
  };
  for (const [name, value] of Object.entries(ours)) {
    if (value !== undefined && !(named.has(name) && wrong('connection-names-ours'))) headers[name] = value;
  }
  return headers;
}

/** For the MCP server alone, and for a minute at most. */
function assertionOf({ sub, exp }: Members, { setup, wrong }: Rules): string {
  const iat = Math.floor(Date.now() / 1000);
  const minute = wrong('assertion-for-an-hour') ? 3600 : 60;
  return signDocument(
    { iss: setup.resource, aud: setup.upstream, sub, iat, exp: Math.min(iat + minute, Number(exp)) },
    setup.metadataKey,
  );
}

/** For the client: without what belongs to the hop, tells about the server, or opens what was decided. */
export function downwardFields(kept: Kept, answer: IncomingMessage, wrong: Wrong): Headers {
  const named = namedByConnection(answer);
  const headers: Headers = {};
  for (const [name, value] of Object.entries(kept)) {
    if (value === undefined || HOP_BY_HOP.test(name) || named.has(name)) continue;
    const telling = /^(server|x-powered-by|via|proxy-.*|access-control-.*)$/.test(name);
    if (telling && !wrong('relays-all-fields')) continue;
    const isRelayed = wrong('names-the-inside') || (name === 'location' && wrong('relays-redirects'));
    if (INSIDE.test(name) && !isRelayed) continue;
    headers[name] = value;
  }
  if (!wrong('answers-for-all')) keepFromSharedCaches(headers);
  if (!wrong('no-nosniff')) headers['x-content-type-options'] = 'nosniff';
  if (wrong('sets-cookies')) headers['set-cookie'] = 'consent=1';
  return headers;
}

/** Fields that name the inside, command browsers, or speak to caches further out. */
const INSIDE =
  /^(location|content-location|refresh|link|alt-svc|sourcemap|report-to|nel|x-forwarded-.*|strict-transport-security|clear-site-data|service-worker-allowed|x-accel-redirect)$/;

function keepFromSharedCaches(headers: Headers): void {
  delete headers['surrogate-control'];
  delete headers['cdn-cache-control'];
  const said = [headers['cache-control'] ?? []].flat().join(', ').toLowerCase();
  if (/no-store|private/.test(said) && !said.includes('public')) return;
  if (said !== '' || headers['expires'] !== undefined) headers['cache-control'] = 'private';
}

function addFrom({ headers }: IncomingMessage, name: string, to: Headers): void {
  const value = headers[name];
  if (value !== undefined) to[name] = value;
}

/** What a mutant hands on, each with a mistake of its own. */
const HANDED_ON = ['authorization', 'host', 'origin'] as const;

function isProxyWord(lower: string, wrong: Wrong): boolean {
  if (wrong('believes-forwarded') && lower.startsWith('x-forwarded')) return false;
  if (HANDED_ON.some((name) => name === lower && wrong(`forwards-${name}`))) return false;
  if (lower.includes('_')) return !wrong('underscores-pass') && !lower.startsWith('mcp-param-');
  return !HARMLESS.test(lower) && !HOP_BY_HOP.test(lower) && !wrong('believes-identity-fields');
}

/** Percent-encoded where it is not visible ASCII; left out where it is too long. */
function headerSafe(claim: unknown, wrong: Wrong): string | undefined {
  if (typeof claim !== 'string') return undefined;
  if (wrong('raw-claims')) return claim.replace(/[\r\n]/g, ' ').replace(/[^\x20-\xff]/g, '?');
  const encoded = encodeURIComponent(claim);
  return encoded.length > 4096 ? undefined : encoded;
}

function namedByConnection({ rawHeaders }: IncomingMessage): ReadonlySet<string> {
  const named = new Set<string>();
  eachField(rawHeaders, (name, value) => {
    if (name.toLowerCase() !== 'connection') return;
    for (const option of value.split(',')) named.add(option.trim().toLowerCase());
  });
  return named;
}

function linesOf({ rawHeaders }: IncomingMessage, wanted: string): string[] {
  const lines: string[] = [];
  eachField(rawHeaders, (name, value) => {
    if (name.toLowerCase() === wanted) lines.push(value);
  });
  return lines;
}

function eachField(rawHeaders: readonly string[], use: (name: string, value: string) => void): void {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    use(rawHeaders[index] as string, rawHeaders[index + 1] as string);
  }
}
