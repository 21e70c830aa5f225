// The reference server's way to the MCP server and back: without credentials up, without challenges down.
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Wrong } from '../mutants.ts';
import { at, patienceMs, relayBody } from './answer.ts';
import { downwardFields, upwardFields } from './hygiene.ts';
import type { Members } from './jws.ts';
import type { ReferenceContext } from './token.ts';

/** What is known of a request when it is forwarded. */
export interface Exchange {
  /** As it was read; undefined: it goes by unread. */
  readonly body: Buffer | undefined;
  /** Fields that stay here, in lower case. */
  readonly drop: readonly string[];
  /** Name, value, name, value …: for the answer. */
  readonly cors: readonly string[];
  /** Whether it is a stream of notifications, without an end of its own. */
  readonly isListening: boolean;
  /** The body of a 502. */
  readonly failure: string;
  readonly keepAliveSeconds: number;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
  /** The last event of a stream that we end. */
  readonly farewell: string | undefined;
  /** Who calls. */
  readonly caller: Members;
  readonly onHead: (answer: IncomingMessage) => void;
  readonly onBody: (text: string) => void;
  /** Ends it before its time; there as soon as it is forwarded. */
  end?: () => void;
}

const AS_IT_IS: Exchange = {
  body: undefined,
  drop: [],
  cors: [],
  isListening: false,
  failure: '',
  keepAliveSeconds: 0,
  endsAt: Infinity,
  farewell: undefined,
  caller: {},
  onHead: () => undefined,
  onBody: () => undefined,
};

export async function forward(
  req: IncomingMessage,
  res: ServerResponse,
  search: string,
  { setup, wrong, clock }: Pick<ReferenceContext, 'setup' | 'wrong' | 'clock'>,
  exchange: Exchange = AS_IT_IS,
): Promise<void> {
  const query = new URLSearchParams(search);
  if (!wrong('query-goes-up')) query.delete('access_token');
  const url = new URL(setup.upstream);
  url.search = query.toString();
  const kept = requestHeaders(req, exchange, wrong);
  const headers = upwardFields(kept, req, exchange.caller, { setup, wrong });
  const start = () => {
    const insecureHTTPParser = wrong('lenient-with-answers');
    const up = request(url, { method: req.method, headers, agent: false, insecureHTTPParser });
    if (exchange.body !== undefined) up.end(exchange.body);
    else if (wrong('no-back-pressure')) req.on('data', (c) => up.write(c)).on('end', () => up.end());
    else req.pipe(up);
    up.on('error', () => undefined);
    return up;
  };
  let up = start();
  res.on('close', () => {
    if (res.writableFinished || wrong('keeps-upstream-open')) return;
    up.destroy();
    if (wrong('cancels-for-the-client')) cancel(url);
  });
  exchange.end = () => {
    if (res.headersSent && exchange.isListening) res.end(exchange.farewell);
    else res.destroy();
    up.destroy();
  };
  const callOff = [
    at(clock, exchange.endsAt, exchange.end),
    at(clock, clock.now() + patienceMs(wrong), exchange.end),
  ];
  try {
    const answer = await responseOf(up).catch(async (error: unknown) => {
      if (!wrong('sends-again') || res.destroyed) throw error;
      up = start();
      return responseOf(up);
    });
    exchange.onHead(answer);
    if (!writeHead(answer, res, exchange, wrong)) return void up.destroy();
    await relayBody(answer, res, exchange, { clock, wrong });
  } catch {
    if (res.destroyed) return;
    const status = wrong('unreachable-is-not-found') ? 404 : 502;
    send(res, status, ['Content-Type', 'application/json', ...exchange.cors], exchange.failure);
  } finally {
    for (const stop of callOff) stop();
  }
}

/** @throws where there is none, or one that speaks another protocol from there on */
async function responseOf(up: ClientRequest): Promise<IncomingMessage> {
  up.once('upgrade', (_, socket) => {
    socket.destroy();
    up.emit('error', new Error('a switch of protocols'));
  });
  const [answer] = (await once(up, 'response')) as [IncomingMessage];
  return answer;
}

function requestHeaders(
  req: IncomingMessage,
  { body, drop }: Exchange,
  wrong: Wrong,
): Record<string, string | string[]> {
  const {
    host,
    connection: _,
    authorization,
    dpop: __,
    'proxy-authorization': ___,
    origin,
    'transfer-encoding': transferEncoding,
    'content-length': contentLength,
    ...kept
  } = req.headers;
  const framing =
    body !== undefined
      ? { 'content-length': String(body.length) }
      : { 'transfer-encoding': transferEncoding, 'content-length': contentLength };
  const all = {
    ...kept,
    ...framing,
    ...(wrong('forwards-authorization') ? { authorization } : {}),
    ...(wrong('forwards-host') ? { host } : {}),
    ...(wrong('forwards-origin') ? { origin } : {}),
    ...(wrong('adds-version')
      ? { 'mcp-protocol-version': req.headers['mcp-protocol-version'] ?? '2025-03-26' }
      : {}),
  };
  const unknown = (name: string) => name.startsWith('mcp-param-') && wrong('drops-unknown-params');
  return Object.fromEntries(
    Object.entries(all).filter(
      (pair): pair is [string, string | string[]] =>
        pair[1] !== undefined && !drop.includes(pair[0]) && !unknown(pair[0]),
    ),
  );
}

/** @returns false if there is nothing to relay after it */
function writeHead(
  answer: IncomingMessage,
  res: ServerResponse,
  { cors, failure }: Exchange,
  wrong: Wrong,
): boolean {
  const { 'www-authenticate': challenge, 'proxy-authenticate': _, connection: __, ...kept } = answer.headers;
  const status = answer.statusCode ?? 502;
  const isOurs =
    ((status === 401 || status === 407) && !wrong('relays-upstream-challenge')) ||
    (status >= 300 && status < 400 && !wrong('relays-redirects')) ||
    (status >= 400 && status !== 403 && wrong('maps-upstream-errors'));
  if (isOurs) {
    send(res, 502, ['Content-Type', 'application/json', ...cors], failure || '{"error":"bad_gateway"}');
    return false;
  }
  const isStream = (kept['content-type'] ?? '').startsWith('text/event-stream');
  const streaming = isStream && !wrong('lets-proxies-buffer') ? STREAMING : {};
  const withChallenge = wrong('relays-upstream-challenge') && challenge !== undefined;
  res.writeHead(status, {
    ...downwardFields(kept, answer, wrong),
    ...streaming,
    ...(withChallenge ? { 'www-authenticate': challenge } : {}),
    ...pairs(cors),
  });
  if (!wrong('holds-streams-back')) res.flushHeaders();
  return true;
}

const STREAMING = { 'x-accel-buffering': 'no', 'cache-control': 'no-cache, no-transform' };

function pairs(list: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (let index = 0; index < list.length; index += 2) result[list[index] ?? ''] = list[index + 1] ?? '';
  return result;
}

/** What a legacy disconnect is not. */
function cancel(url: URL): void {
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled' });
  request(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, agent: false })
    .on('error', () => undefined)
    .end(body);
}

export function send(res: ServerResponse, status: number, headers: readonly string[], body: string): void {
  res.writeHead(status, [...headers, 'Content-Length', String(Buffer.byteLength(body))]);
  res.end(body);
}
