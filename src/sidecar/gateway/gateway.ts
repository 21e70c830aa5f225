// The way of one request: read -> route -> authenticate -> authorize -> proxy. Each step is decided in its own module.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../base/log.ts';
import { schemeOf, type Authentication } from '../authentication/authenticate.ts';
import { authorize, type Permit } from '../authorization/authorize.ts';
import { BufferBudget } from '../limits/byte-budget.ts';
import { readCall, unreadCall, type Call, type JudgedBody } from '../messages/call.ts';
import { contentProblem } from '../messages/content-type.ts';
import { corsFields, isHost, preflightFields } from './cors.ts';
import { discardRest, endBeforeBody } from '../http/discard-body.ts';
import { denialResponse, type Denial } from '../denial/denial.ts';
import { isNamedBy, type TaggedText } from '../metadata/etag.ts';
import type { RequestFields } from '../http/request-headers.ts';
import { InFlight } from '../limits/in-flight-list.ts';
import { InFlightLimit } from '../limits/in-flight-limit.ts';
import { DenialLog } from '../observability/denial-log.ts';
import {
  METADATA_PREFLIGHT_FIELDS,
  METADATA_TYPE,
  metadataFields,
  type PublicDocument,
} from '../metadata/metadata.ts';
import type { RouteLabel, SidecarMetrics } from '../observability/metrics.ts';
import type { Policy } from './policy.ts';
import { proxy, type Forwarding } from '../proxy/proxy.ts';
import { BodyReader } from '../http/read-body.ts';
import { sessionObserver, sessionProblem } from '../sessions/session-binding.ts';
import type { Sessions } from '../sessions/sessions.ts';

/** More fields than this are refused: Node would silently drop the rest, and a second Authorization with it. */
const MAX_FIELDS = 100;
const EXPIRE_INTERVAL_MS = 1_000;
/** Bytes of bodies that have not come to their end, of all requests together; more if a single one may be larger. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
const MCP_METHODS = 'POST, GET, DELETE, OPTIONS';

export interface GatewayDependencies {
  readonly logger: Logger;
  readonly metrics: SidecarMetrics;
  /** They outlive every policy. */
  readonly sessions: Sessions;
  /** While draining: a request is over, its connection may be idle now. */
  readonly onDrained: () => void;
}

/** What is known of a request while it is judged. */
interface Visit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly policy: Policy;
  readonly fields: RequestFields;
  readonly startedAt: number;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  route: RouteLabel;
  /** Whether the token was good: a refusal after that is always logged. */
  authenticated: boolean;
  /** Of the JSON-RPC request, as JSON text, once it was read: answers of ours name it. */
  id: string | undefined;
  /** CORS fields for the answer, whatever it will be. */
  corsFields: readonly string[];
}

/** Serves requests by the policy of the moment. Requests under way finish by the one they came in with. */
export class Gateway {
  readonly #deps: GatewayDependencies;
  readonly #forwardings = new InFlight<Forwarding>();
  readonly #inFlightLimit = new InFlightLimit();
  readonly #bodies = new InFlight<BodyReader>();
  readonly #denialLog: DenialLog;
  #budget: BufferBudget;
  readonly #expiry: NodeJS.Timeout;
  #policy: Policy;
  #draining = false;

  constructor(policy: Policy, deps: GatewayDependencies) {
    this.#policy = policy;
    this.#deps = deps;
    this.#denialLog = new DenialLog(deps.logger, () => performance.now());
    this.#budget = budgetFor(policy);
    this.#expiry = setInterval(() => this.#expire(), EXPIRE_INTERVAL_MS).unref();
  }

  get policy(): Policy {
    return this.#policy;
  }

  set policy(policy: Policy) {
    this.#policy.upstream.close();
    if (policy.config.transport.maxMessageBytes !== this.#policy.config.transport.maxMessageBytes)
      this.#budget = budgetFor(policy);
    this.#policy = policy;
  }

  /** Requests that are with the server now. */
  get inFlight(): number {
    return this.#forwardings.size;
  }

  /** Ends listening streams now; calls go on. Answers from here on close their connection. */
  drain(): void {
    this.#draining = true;
    for (const forwarding of this.#forwardings) if (forwarding.isListening) forwarding.endListening();
  }

  close(): void {
    clearInterval(this.#expiry);
    this.#policy.upstream.close();
  }

  /** The request listener. Never throws: what nobody foresaw becomes one 500 here, and nothing is forwarded. */
  handle(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const policy = this.#policy;
    const fields = policy.requestHeaders.read(req.rawHeaders);
    const visit: Visit = {
      req,
      res,
      policy,
      fields,
      startedAt: performance.now(),
      expectsContinue,
      route: 'other',
      authenticated: false,
      id: undefined,
      corsFields: NO_FIELDS,
    };
    if (this.#draining) res.shouldKeepAlive = false;
    try {
      this.#serve(visit);
    } catch (error) {
      this.#unexpected(visit, error);
    }
  }

  #serve(visit: Visit): void {
    const { req, policy } = visit;
    const target = originForm(req.url ?? '', policy);
    const problem = requestProblem(visit);
    if (problem !== undefined || target === undefined) return this.#deny(visit, problem ?? MISDIRECTED);
    const route = policy.route(target);
    switch (route.kind) {
      case 'metadata':
        visit.route = 'metadata';
        return this.#serveMetadata(visit, route.document);
      case 'protected':
        visit.route = 'mcp';
        return this.#serveProtected(visit, route.search);
      case 'not_found':
        return this.#deny(visit, { kind: 'not_found' });
      default:
        return route satisfies never;
    }
  }

  /** RFC 9728 section 3: no credentials asked for, none looked at. */
  #serveMetadata(visit: Visit, name: PublicDocument): void {
    const { req, policy } = visit;
    const document = policy.document(name);
    switch (req.method) {
      case 'GET':
      case 'HEAD':
        if (document !== undefined) return this.#answerDocument(visit, document);
        visit.corsFields = ANY_ORIGIN;
        return this.#deny(visit, { kind: 'metadata_unavailable' });
      case 'OPTIONS':
        return this.#answer(visit, 204, METADATA_PREFLIGHT_FIELDS, undefined);
      default:
        visit.corsFields = ANY_ORIGIN;
        return this.#deny(visit, { kind: 'method_not_allowed', allow: 'GET, HEAD, OPTIONS' });
    }
  }

  /** RFC 9110 section 13.1.2: who has it already is told so, without it. */
  #answerDocument(visit: Visit, document: TaggedText): void {
    const fields = metadataFields(document);
    const has = isNamedBy(visit.req.headers['if-none-match'], document);
    if (has) return this.#answer(visit, 304, fields, undefined);
    return this.#answer(visit, 200, [...METADATA_TYPE, ...fields], document.text);
  }

  #serveProtected(visit: Visit, search: string): void {
    const { req, policy, fields } = visit;
    if (fields.origin !== undefined) {
      // Before authentication: a page that may not call learns nothing about tokens (MCP Streamable HTTP, Origin).
      if (fields.origins > 1 || !policy.isAllowedOrigin(fields.origin)) {
        return this.#deny(visit, { kind: 'origin_not_allowed' });
      }
      visit.corsFields = corsFields(fields.origin);
      if (req.method === 'OPTIONS' && fields.preflightMethod !== undefined) {
        return this.#answer(visit, 204, preflightFields(fields.origin, fields.preflightHeaders), undefined);
      }
    }
    // With every answer: a client that has it already need not be sent back for it (RFC 9449 section 8.2).
    if (policy.nonces !== undefined) {
      visit.corsFields = [...visit.corsFields, 'DPoP-Nonce', policy.nonces.current];
    }
    if (req.method !== 'POST' && req.method !== 'GET' && req.method !== 'DELETE') {
      return this.#deny(visit, { kind: 'method_not_allowed', allow: MCP_METHODS });
    }
    if (fields.authorizations > 1) {
      return this.#deny(visit, { kind: 'invalid_request', reason: 'several_authorization_fields' });
    }
    const authentication = policy.authenticator.authenticate(fields.authorization, visit);
    if (!(authentication instanceof Promise)) return this.#serveAuthenticated(visit, search, authentication);
    authentication.then(
      (verified) => this.#serveVerified(visit, search, verified),
      (error: unknown) => this.#unexpected(visit, error),
    );
  }

  /** After an await: the client may have gone, and whatever is thrown would be nobody's. */
  #serveVerified(visit: Visit, search: string, authentication: Authentication): void {
    if (visit.res.destroyed) return;
    try {
      this.#serveAuthenticated(visit, search, authentication);
    } catch (error) {
      this.#unexpected(visit, error);
    }
  }

  #serveAuthenticated(visit: Visit, search: string, authentication: Authentication): void {
    if (!authentication.ok) return this.#deny(visit, this.#counted(visit, authentication.denial));
    visit.authenticated = true;
    const authorization = authorize(
      authentication.principal,
      visit.policy.config.requiredScopes,
      visit.policy.scopes,
    );
    if (!authorization.ok) return this.#deny(visit, authorization.denial);

    this.#serveAuthorized(visit, search, authorization.permit);
  }

  /** From here on it is about what is asked. Without a body, or with one that nobody looks at, the fields say it all. */
  #serveAuthorized(visit: Visit, search: string, permit: Permit): void {
    const { req, res, fields, policy } = visit;
    const isEnforced = policy.config.transport.messageChecks === 'Enforced';
    if (isEnforced && req.method === 'POST') return this.#readMessage(visit, search, permit);
    if (fields.repeatedField !== undefined)
      return this.#deny(visit, { kind: 'bad_request', reason: 'repeated_field' });
    // GET and DELETE have no use for one, and what cannot be judged must not pass.
    if (isEnforced && (fields.chunked || Number(fields.contentLength ?? 0) > 0))
      return this.#deny(visit, { kind: 'bad_request', reason: 'unexpected_body' });
    if (visit.expectsContinue) res.writeContinue();
    this.#forward(visit, search, permit, unreadCall(req, fields), undefined);
  }

  /** A POST: what its fields say of the body is judged first, and then the whole body, before any of it goes on. */
  #readMessage(visit: Visit, search: string, permit: Permit): void {
    const { req, res, fields, policy } = visit;
    const { maxMessageBytes: maxBytes } = policy.config.transport;
    const problem = contentProblem(fields, maxBytes);
    if (problem !== undefined) return this.#deny(visit, problem);
    if (visit.expectsContinue) res.writeContinue();
    const length = fields.chunked ? undefined : Number(fields.contentLength ?? 0);
    const reader = new BodyReader(
      req,
      { length, maxBytes, budget: this.#budget },
      {
        onBody: (bytes) => {
          this.#bodies.delete(reader);
          this.#serveMessage(visit, search, permit, bytes);
        },
        onRefused: (denial) => {
          this.#bodies.delete(reader);
          this.#deny(visit, denial);
        },
        onGone: () => {
          this.#bodies.delete(reader);
          this.#record(visit, CLIENT_CLOSED);
        },
      },
    );
    this.#bodies.add(reader);
    reader.start();
  }

  /** After an event: whatever is thrown would be nobody's. */
  #serveMessage(visit: Visit, search: string, permit: Permit, bytes: Buffer): void {
    try {
      const reading = readCall(bytes, visit.fields);
      if (reading.ok) {
        visit.id = reading.call.id;
        return this.#forward(visit, search, permit, reading.call, reading.body);
      }
      const { refusal } = reading;
      this.#deny(visit, { kind: 'message_refused', reason: refusal.reason, refusal });
    } catch (error) {
      this.#unexpected(visit, error);
    }
  }

  #forward(visit: Visit, search: string, permit: Permit, call: Call, body: JudgedBody | undefined): void {
    const { req, res, fields, policy } = visit;
    const { transport } = policy.config;
    const { owner } = permit.principal;
    const { sessions } = this.#deps;
    if (call.era === 'legacy') {
      const problem = sessionProblem(fields, owner, sessions, transport.unknownSessions);
      if (problem !== undefined) return this.#deny(visit, problem);
    }
    const identityLine = policy.identity?.line(permit.principal) ?? '';
    // Node gives a response its connection when its turn comes.
    const isPipelined = res.socket === null;
    const full = this.#inFlightLimit.enter(req.socket, this.#forwardings.size, isPipelined);
    if (full !== undefined) return this.#deny(visit, { kind: 'overloaded', reason: full });
    const forwarding = proxy(
      permit,
      { req, res, fields, call, search, responseFields: visit.corsFields },
      {
        upstream: policy.upstream,
        path: policy.upstreamPath,
        hostLine: policy.hostLine,
        forwardedLines: policy.forwardedLines,
        identityLine,
        callGraceMs: transport.callGraceSeconds * 1000,
        keepAliveMs: transport.eventStreamKeepAliveSeconds * 1000,
        observeHead: sessionObserver(call, req.method, fields, owner, sessions),
        deny: (denial) => this.#writeDenial(visit, denial),
        onClose: (closed) => {
          this.#forwardings.delete(closed);
          this.#inFlightLimit.leave(req.socket, isPipelined);
          this.#record(visit, res.statusCode);
          if (this.#draining) setImmediate(this.#deps.onDrained);
        },
      },
      body,
    );
    this.#forwardings.add(forwarding);
  }

  /** The refusal, or that there were too many. Whoever fails too often is told less, and a good token still passes. */
  #counted({ req, policy }: Visit, denial: Denial): Denial {
    if (policy.failures === undefined || !FAILURES.has(denial.kind)) return denial;
    const seconds = policy.failures.count(req.socket.remoteAddress ?? '');
    return seconds === undefined ? denial : { kind: 'too_many_failures', seconds };
  }

  #answer(visit: Visit, status: number, fields: readonly string[], body: string | undefined): void {
    const { res } = visit;
    const length = body === undefined ? NO_FIELDS : ['Content-Length', String(Buffer.byteLength(body))];
    res.writeHead(status, [...fields, ...length]);
    res.end(body);
    // Served without a token: a body that trickles in must not keep the connection.
    if (!visit.req.complete) discardRest(visit.req, res);
    this.#record(visit, status);
  }

  #deny(visit: Visit, denial: Denial): void {
    this.#writeDenial(visit, denial);
    this.#record(visit, visit.res.statusCode);
  }

  /** Logs the decision, once, and answers. The body of the request is not waited for. */
  #writeDenial(visit: Visit, denial: Denial): void {
    const { req, res, policy } = visit;
    const { status, headers, body, requestId } = denialResponse(
      denial,
      policy.challenge,
      schemeOf(visit.fields.authorization),
      visit.id,
    );
    const reason = 'reason' in denial ? denial.reason : denial.kind;
    this.#deps.metrics.denials.inc({ reason: denial.kind });
    const entry = { kind: denial.kind, reason, status, route: visit.route, method: req.method, requestId };
    if (visit.authenticated) this.#denialLog.writeAlways(entry);
    else this.#denialLog.writeLimited(entry);
    // Its body may have been on its way when the drain began.
    // What follows a request that could not be read as one is not to be trusted to be another. After authentication it is
    // about single fields, and what follows may be with the server already.
    const isUnreadable = denial.kind === 'bad_request' || denial.kind === 'header_fields_too_large';
    if (this.#draining || (isUnreadable && !visit.authenticated)) res.shouldKeepAlive = false;
    res.writeHead(status, [...headers, ...visit.corsFields]);
    endBeforeBody(req, res, body);
  }

  #unexpected(visit: Visit, error: unknown): void {
    this.#deps.logger.error({ err: error, route: visit.route }, 'request failed');
    try {
      if (!visit.res.headersSent) return this.#deny(visit, { kind: 'internal_error' });
    } catch {
      // Even the refusal failed. The end of the connection is one too.
    }
    visit.res.destroy();
  }

  #record(visit: Visit, status: number): void {
    const seconds = (performance.now() - visit.startedAt) / 1000;
    this.#deps.metrics.recordRequest(visit.route, visit.req.method ?? '', status, seconds);
  }

  #expire(): void {
    const now = Date.now();
    for (const forwarding of this.#forwardings) forwarding.expire(now);
    for (const body of this.#bodies) body.expire(now);
  }
}

const NO_FIELDS: readonly string[] = [];
const ANY_ORIGIN: readonly string[] = ['Access-Control-Allow-Origin', '*'];
/** No status went out: the client was gone before its request was complete. What others write for it. */
const CLIENT_CLOSED = 499;
const MISDIRECTED: Denial = { kind: 'misdirected' };
/** Refusals of credentials; to send none is how every client begins. */
const FAILURES: ReadonlySet<Denial['kind']> = new Set<Denial['kind']>([
  'invalid_token',
  'invalid_request',
  'invalid_dpop_proof',
]);

function budgetFor({ config }: Policy): BufferBudget {
  return new BufferBudget(Math.max(MAX_BUFFERED_BYTES, 2 * config.transport.maxMessageBytes));
}

/** What makes a request unfit to be judged at all, whatever it asks for. */
function requestProblem({ req, policy, fields }: Visit): Denial | undefined {
  if (req.rawHeaders.length > 2 * MAX_FIELDS) return { kind: 'header_fields_too_large' };
  // A request line without a version passes Node's parser as HTTP/0.9, which has neither fields nor bodies.
  if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0')
    return { kind: 'bad_request', reason: 'http_version' };
  // RFC 9112 section 3.2: exactly one Host. Node serves the first of two.
  if (fields.hosts > 1) return { kind: 'bad_request', reason: 'several_host_fields' };
  if (fields.host === undefined || !policy.isOurHost(fields.host))
    return isHost(fields.host) ? MISDIRECTED : { kind: 'bad_request', reason: 'invalid_host' };
  // RFC 9112 section 6.1: a transfer coding in HTTP/1.0 has no meaning that two parties share.
  if (fields.chunked && req.httpVersion !== '1.1')
    return { kind: 'bad_request', reason: 'coding_in_http_1_0' };
  // A larger number would be another one on the way to the server.
  if (!Number.isSafeInteger(Number(fields.contentLength ?? 0)))
    return { kind: 'bad_request', reason: 'content_length_too_large' };
  if (fields.unknownCoding) return { kind: 'bad_request', reason: 'unknown_transfer_coding' };
  if (fields.looped) return { kind: 'loop_detected' };
  return undefined;
}

/**
 * The request target as a path (RFC 9112 section 3.2). An absolute target must name us: what a request names never
 * chooses where it is sent.
 */
function originForm(target: string, policy: Policy): string | undefined {
  if (target.startsWith('/')) return target;
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return target === '*' ? '*' : undefined;
  const url = new URL(target);
  return policy.isOurHost(url.host) ? url.pathname + url.search : undefined;
}
