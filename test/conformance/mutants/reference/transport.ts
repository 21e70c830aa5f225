// What the reference server does with an authorized request: reads the message, looks at the session, forwards, and
// bounds the stream by the token (sections D-I to D-IV of the list).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Setup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';
import { forward, send, type Exchange } from './forward.ts';
import type { Members } from './jws.ts';
import { limitBody, UnderWay } from './limits.ts';
import { readMessages, Rejected, type Messages } from './message.ts';
import { principalOf, ReferenceSessions } from './sessions.ts';
import type { InvalidToken, ReferenceContext } from './token.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const MODERN_DROPS = ['mcp-session-id', 'last-event-id'];
const NOTHING_READ: Messages = { isModern: false, method: undefined, id: undefined };

export interface Authorized {
  readonly search: string;
  /** Name, value, name, value … */
  readonly cors: readonly string[];
  readonly claims: Members;
  /** Looks at the token once more. Why it is not good now, or undefined. */
  readonly look: () => Promise<InvalidToken | undefined>;
  readonly refuse: (problem: InvalidToken) => void;
}

/** Between two looks at the token of a stream (milliseconds). */
const LOOK_MS = 300;

export class ReferenceTransport {
  readonly #context: ReferenceContext;
  readonly #setup: Setup;
  readonly #wrong: Wrong;
  readonly #sessions: ReferenceSessions;
  readonly #running = new Set<Exchange>();
  readonly #underWay: UnderWay;
  #initialized = false;
  readonly #cached = new Map<string, string>();

  constructor(context: ReferenceContext) {
    this.#context = context;
    this.#setup = context.setup;
    this.#wrong = context.wrong;
    this.#sessions = new ReferenceSessions(context.setup, context.wrong);
    this.#underWay = new UnderWay(context.wrong);
  }

  /** Ends the streams that have no end of their own. @returns when the calls have ended by themselves */
  async drain(): Promise<void> {
    for (const exchange of this.#running) {
      if (exchange.isListening ? !this.#wrong('streams-outlive-us') : this.#wrong('cuts-calls-at-the-end')) {
        exchange.end?.();
      }
    }
    const deadline = Date.now() + 10_000;
    while (this.#running.size > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async relay(req: IncomingMessage, res: ServerResponse, authorized: Authorized): Promise<void> {
    const { cors, claims } = authorized;
    limitBody(req, this.#context);
    const checked = req.method === 'POST' && this.#setup.transport?.messageChecks !== 'Off';
    const body = checked ? await this.#read(req) : undefined;
    if (typeof body === 'number') return send(res, body, cors, '');
    if (body !== undefined && !this.#wrong('decides-by-the-head')) {
      const outdated = await authorized.look();
      if (outdated !== undefined) return authorized.refuse(outdated);
    }
    let messages = NOTHING_READ;
    try {
      if (body !== undefined) messages = readMessages(body, req, this.#wrong);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      return send(res, 400, [...cors, ...JSON_TYPE], rpcError(error.code, error.id, error.data));
    }
    if (messages.method === 'initialize') this.#initialized = true;
    if (messages.isModern && !this.#initialized && this.#wrong('initialize-first'))
      return send(res, 400, cors, '');
    if (messages.method?.startsWith('logging/') && this.#wrong('refuses-deprecated'))
      return send(res, 404, cors, '');
    const principal = principalOf(claims, req, this.#wrong);
    const problem = messages.isModern ? undefined : this.#sessions.problem(req, principal);
    if (problem !== undefined) return send(res, problem, cors, '{"error":"session"}');
    const cached = this.#cached.get(messages.method ?? '');
    if (cached !== undefined) return send(res, 200, [...cors, ...JSON_TYPE], cached);
    if (!this.#underWay.enter(req, res)) return send(res, 503, cors, '');
    const exchange = this.#exchange(req, body, messages, authorized, principal);
    this.#running.add(exchange);
    const outlives = this.#wrong('streams-outlive-keys') || this.#wrong('streams-outlive-tokens');
    const isWatched = exchange.isListening && !outlives;
    const watch = setInterval(() => {
      if (isWatched) void authorized.look().then((problem) => problem && exchange.end?.());
    }, LOOK_MS);
    try {
      await forward(req, res, authorized.search, this.#context, exchange);
    } finally {
      clearInterval(watch);
      this.#running.delete(exchange);
    }
  }

  #exchange(
    req: IncomingMessage,
    body: Buffer | undefined,
    { isModern, method, id }: Messages,
    { cors, claims }: Authorized,
    principal: string,
  ): Exchange {
    const { clockSkewSeconds, transport } = this.#setup;
    const isListening = req.method === 'GET' || method === 'subscriptions/listen';
    const expiry = Number(claims['exp']);
    const grace = this.#wrong('no-grace')
      ? 0
      : this.#wrong('grace-without-end')
        ? 3600
        : (transport?.callGraceSeconds ?? 3600);
    const result = { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': id } };
    const farewell = JSON.stringify({ jsonrpc: '2.0', id, result });
    return {
      body: this.#wrong('writes-json-anew') && body ? Buffer.from(anew(body)) : body,
      drop: isModern && !this.#wrong('modern-keeps-session') ? MODERN_DROPS : [],
      cors,
      isListening,
      failure: rpcError(-32603, id),
      keepAliveSeconds: transport?.eventStreamKeepAliveSeconds ?? 0,
      endsAt: isListening
        ? (expiry + clockSkewSeconds + (this.#wrong('streams-outlive-tokens') ? 3600 : 0)) * 1000
        : (expiry + grace) * 1000,
      farewell:
        isModern && isListening && !this.#wrong('no-farewell')
          ? `event: message\ndata: ${farewell}\n\n`
          : undefined,
      caller: claims,
      onHead: (answer) => {
        if (!isModern) this.#sessions.observe(req, method, principal, answer);
      },
      onBody: (text) => {
        if (this.#wrong('caches-lists') && method === 'tools/list') this.#cached.set(method, text);
      },
    };
  }

  /** The whole body, or the status of the refusal. */
  async #read(req: IncomingMessage): Promise<Buffer | 413 | 415> {
    const chunks: Buffer[] = [];
    let size = 0;
    const most = this.#setup.transport?.maxMessageBytes ?? MAX_BYTES;
    for await (const chunk of req) {
      size += (chunk as Buffer).length;
      if (size <= most || this.#wrong('unbounded-messages')) chunks.push(chunk as Buffer);
    }
    const type = /^application\/json *(;|$)/i.test(req.headers['content-type'] ?? '');
    const encoding = req.headers['content-encoding'] ?? 'identity';
    if (!type && !this.#wrong('any-content-type')) return 415;
    if (encoding !== 'identity' && !this.#wrong('reads-past-encodings')) return 415;
    return size > most && !this.#wrong('unbounded-messages') ? 413 : Buffer.concat(chunks);
  }
}

const JSON_TYPE = ['Content-Type', 'application/json'];

function rpcError(code: number, id: unknown, data?: Members): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'refused', data } });
}

function anew(body: Buffer): string {
  return JSON.stringify(JSON.parse(body.toString()));
}
