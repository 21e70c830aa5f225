// One request from head to answer: the order of the steps. Each step is decided in its own module, none of them here.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../base/log.ts';
import { schemeOf, type Authentication, type Principal } from '../authentication/authenticate.ts';
import type { Presentation } from '../authentication/proof-of-possession.ts';
import { authorize, baselineDenial, type Permit } from '../authorization/authorize.ts';
import { InForce } from '../authorization/in-force.ts';
import { denialResponse, type Denial, type DenialResponse } from '../denial/denial.ts';
import { discardRest, endBeforeBody } from '../http/discard-body.ts';
import { bodyAgain, BodyReader, type BodyResult, type HeldBody } from '../http/read-body.ts';
import { RequestQueue } from '../http/request-queue.ts';
import { Admissions } from '../limits/admission.ts';
import { ByteBudget } from '../limits/byte-budget.ts';
import { FairShares } from '../limits/fair-shares.ts';
import { InFlight } from '../limits/in-flight-list.ts';
import { sourceOf } from '../limits/source.ts';
import { Turns } from '../limits/turns.ts';
import {
  announcesBody,
  announcesShortBody,
  callOf,
  callWithoutBody,
  readCall,
  uninspectedCall,
  type Call,
  type CallReading,
} from '../messages/call.ts';
import { LongBodyWork, MAX_SHORT_BODY } from '../messages/long-body.ts';
import type { PublicDocument } from '../metadata/metadata.ts';
import { DenialLog } from '../observability/denial-log.ts';
import { DroppedHeaders } from '../observability/dropped-headers.ts';
import type { SidecarMetrics } from '../observability/metrics.ts';
import { proxy, type ProxiedRequest } from '../proxy/proxy.ts';
import { checkSession, type SessionUse } from '../sessions/session-binding.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { CompiledConfig } from './compiled-config.ts';
import { checkOrigin } from './cors.ts';
import { ANY_ORIGIN, documentAnswer } from './public-documents.ts';
import { PendingVerification } from './pending-verification.ts';
import { contextAgain, requestContext, type RequestContext } from './request-context.ts';
import { checkHead } from './request-head.ts';
import { Reviews } from './reviews.ts';

const EXPIRE_INTERVAL_MS = 1_000;
/** Bytes of bodies that have not come to their end, of all requests together; more if a single one may be larger. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
/** Requests whose token is being verified, or asked about, shared among networks: each takes about 10 KB. */
const MAX_VERIFICATIONS = 4_096;
const MCP_METHODS = 'POST, GET, DELETE, OPTIONS';
/** No status went out: the client was gone before its request was complete. What others write for it. */
const CLIENT_CLOSED = 499;

interface GatewayDependencies {
  readonly logger: Logger;
  readonly metrics: SidecarMetrics;
  /** They outlive every configuration. */
  readonly sessions: Sessions;
  /** While draining: a request is over, its connection may be idle now. */
  readonly onDrained: () => void;
}

/**
 * Serves requests by the configuration in force when they go on, and reviews those under way when another one comes. The
 * order of the steps is one that types hold to where it matters: route, origin, authenticate (-> `Principal`), baseline
 * scopes, read and validate (-> `Call`), authorize by what is in force now (-> `Permit`), session (-> `SessionUse`), admit
 * (-> `Admission`), proxy. Where something has changed while a step waited, the request begins again at the first.
 */
export class Gateway {
  readonly #deps: GatewayDependencies;
  readonly #denialLog: DenialLog;
  readonly #droppedHeaders: DroppedHeaders;
  readonly #admissions = new Admissions();
  readonly #proxied = new InFlight<ProxiedRequest>();
  readonly #bodies = new InFlight<BodyReader>();
  readonly #turns = new Turns();
  readonly #requests = new RequestQueue(() => !this.#admissions.isBusy);
  readonly #verifications = new FairShares(MAX_VERIFICATIONS);
  /** Before any work on a token that is not known. */
  readonly #gate = { enter: (context: RequestContext) => this.#enterVerification(context) };
  readonly #expiry: NodeJS.Timeout;
  readonly #inForce: InForce<CompiledConfig>;
  readonly #reviews: Reviews;
  #budget: ByteBudget;
  #draining = false;

  constructor(config: CompiledConfig, deps: GatewayDependencies) {
    this.#inForce = new InForce(config);
    this.#deps = deps;
    this.#reviews = new Reviews({ inForce: this.#inForce, logger: deps.logger });
    this.#denialLog = new DenialLog(deps.logger, () => performance.now());
    this.#droppedHeaders = new DroppedHeaders(deps.logger, deps.metrics.droppedHeaders);
    this.#budget = budgetFor(config);
    this.#admissions.resize(config.config.upstream.maxRequests);
    this.#expiry = setInterval(() => this.#expire(), EXPIRE_INTERVAL_MS).unref();
  }

  /** The configuration in force. */
  get config(): CompiledConfig {
    return this.#inForce.current;
  }

  /**
   * Requests that come or go on from here on are served by `next`, and those under way are reviewed. Idle connections to the
   * server that was configured before are closed.
   */
  replaceConfig(next: CompiledConfig): void {
    const previous = this.#inForce.current;
    if (next.config.transport.maxMessageBytes !== previous.config.transport.maxMessageBytes)
      this.#budget = budgetFor(next);
    this.#admissions.resize(next.config.upstream.maxRequests);
    this.#inForce.replace(next);
    previous.upstream.close();
    this.review();
  }

  /** Reviews requests under way whose right to go on is in doubt: the key of a token may have been withdrawn. */
  review(): void {
    for (const proxied of this.#proxied) this.#mayGoOn(proxied);
  }

  #mayGoOn(proxied: ProxiedRequest): boolean {
    const isOutdated = this.#inForce.current.authenticator.isOutdated(proxied.principal);
    if (isOutdated) this.#reviews.add(proxied);
    return !isOutdated;
  }

  /** Requests that are with the server now. */
  get inFlight(): number {
    return this.#admissions.underWay;
  }

  /** Ends listening streams now; calls go on. Answers from here on close their connection. */
  drain(): void {
    this.#draining = true;
    for (const proxied of this.#proxied) if (proxied.isListening) proxied.endListening();
  }

  close(): void {
    clearInterval(this.#expiry);
    this.#inForce.current.upstream.close();
  }

  /** The request listener. */
  handle(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const context = requestContext(req, res, this.#inForce.current, expectsContinue);
    if (this.#draining) res.shouldKeepAlive = false;
    this.#requests.run(req.socket, res, () => this.#begin(context));
  }

  #begin(context: RequestContext): void {
    this.#guard(context, () => this.#route(context));
  }

  /** Whatever a step throws becomes one 500 here, and nothing is forwarded: in an event it would end the process. */
  #guard(context: RequestContext, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#onUnexpected(context, error);
    }
  }

  /** Goes on after an event: the client may have gone. */
  #resume(context: RequestContext, step: () => void): void {
    if (context.res.destroyed) return this.#record(context, CLIENT_CLOSED);
    this.#guard(context, step);
  }

  // --- steps ---

  #route(context: RequestContext): void {
    const { config, audit } = context;
    const head = checkHead(context, config.isOurHost);
    if (!head.ok) return this.#deny(context, head.denial);
    const route = config.route(head.target);
    switch (route.kind) {
      case 'metadata':
        audit.route = 'metadata';
        return this.#serveDocument(context, route.document);
      case 'protected':
        audit.route = 'mcp';
        return this.#checkOrigin(context, route.search);
      case 'not_found':
        return this.#deny(context, { kind: 'not_found' });
      default:
        return route satisfies never;
    }
  }

  #serveDocument(context: RequestContext, name: PublicDocument): void {
    const answer = documentAnswer(context.req, () => context.config.document(name));
    if (answer.ok) return this.#answer(context, answer.status, answer.fields, answer.body);
    context.audit.answerFields = ANY_ORIGIN;
    this.#deny(context, answer.denial);
  }

  #checkOrigin(context: RequestContext, search: string): void {
    const { req, fields, config, audit } = context;
    const origin = checkOrigin(req.method, fields, config.isAllowedOrigin);
    if (origin.kind === 'refused') return this.#deny(context, { kind: 'origin_not_allowed' });
    if (origin.kind === 'preflight') return this.#answer(context, 204, origin.fields, undefined);
    // With every answer: a client that has it already need not be sent back for it (RFC 9449 section 8.2).
    audit.answerFields =
      config.nonces === undefined ? origin.fields : [...origin.fields, 'DPoP-Nonce', config.nonces.current];
    this.#authenticate(context, search);
  }

  #authenticate(context: RequestContext, search: string): void {
    const { req, fields, config } = context;
    if (req.method !== 'POST' && req.method !== 'GET' && req.method !== 'DELETE')
      return this.#deny(context, { kind: 'method_not_allowed', allow: MCP_METHODS });
    if (fields.authorizations > 1)
      return this.#deny(context, { kind: 'invalid_request', reason: 'several_authorization_fields' });
    const gate = context.isAgain ? undefined : this.#gate;
    const authentication = config.authenticator.authenticate(fields.authorization, context, gate);
    if (!(authentication instanceof Promise)) return this.#onAuthentication(context, search, authentication);
    if (context.verification !== undefined)
      return this.#awaitVerification(authentication, context.verification, search);
    // The token is known, and a proof is verified.
    authentication.then(
      (verified) => this.#resume(context, () => this.#onVerified(context, search, verified)),
      (error: unknown) => this.#onUnexpected(context, error),
    );
  }

  /** Keys, an authorization server, a signature were waited for: another configuration may be in force now. */
  #onVerified(context: RequestContext, search: string, authentication: Authentication): void {
    if (context.config !== this.#inForce.current) return this.#decideAgain(context, context.body);
    this.#onAuthentication(context, search, authentication);
  }

  /** What costs nothing to refuse is refused before a token is looked at (RESOURCE_SERVER D42). */
  #enterVerification(context: RequestContext): Presentation | Denial {
    const { socket } = context.req;
    const source = sourceOf(socket);
    const seconds = context.config.failures?.ask(source);
    if (seconds !== undefined) return { kind: 'too_many_failures', seconds };
    const share = this.#verifications.enter(source.network);
    if (share === undefined) return { kind: 'overloaded', reason: 'verifications' };
    const pending = new PendingVerification(context, share);
    context.verification = pending;
    this.#requests.hold(socket, () => {
      pending.letGo();
      this.#record(context, CLIENT_CLOSED);
    });
    return pending;
  }

  /** No closure here may hold the context, which is let go of when the connection is closed. */
  #awaitVerification(
    authentication: Promise<Authentication>,
    pending: PendingVerification<RequestContext>,
    search: string,
  ): void {
    const settle = (step: (context: RequestContext) => void) => {
      this.#verifications.leave(pending.share);
      const { context } = pending;
      if (context === undefined) return;
      step(context);
      this.#requests.release(context.req.socket);
    };
    authentication.then(
      (verified) =>
        settle((context) => {
          this.#resume(context, () => this.#onVerified(context, search, verified));
        }),
      (error: unknown) => settle((context) => this.#onUnexpected(context, error)),
    );
  }

  #onAuthentication(context: RequestContext, search: string, authentication: Authentication): void {
    if (!authentication.ok) return this.#deny(context, limitFailures(context, authentication.denial));
    context.audit.authenticated = true;
    const { principal } = authentication;
    const denial = baselineDenial(principal, context.config.policy);
    if (denial !== undefined) return this.#deny(context, denial);
    this.#readCall(context, search, principal);
  }

  /** Without a body, or with one that goes by unread, the fields say it all. */
  #readCall(context: RequestContext, search: string, principal: Principal): void {
    const { req, fields, config } = context;
    const { messageChecks, maxMessageBytes } = config.config.transport;
    if (messageChecks === 'Enforced' && req.method === 'POST') {
      // What the fields say of the body is checked first, and then the whole body, before any of it goes on.
      const denial = config.contentDenial(fields);
      if (denial !== undefined) return this.#deny(context, denial);
      return this.#readBody(context, search, principal, maxMessageBytes);
    }
    if (fields.repeatedField !== undefined)
      return this.#deny(context, { kind: 'bad_request', reason: 'repeated_field' });
    if (messageChecks === 'Off') {
      if (context.body !== undefined || announcesShortBody(fields))
        return this.#readBody(context, search, principal, Infinity);
      return this.#authorize(context, principal, uninspectedCall(context, search, messageChecks));
    }
    // GET and DELETE have no use for one, and what cannot be validated must not pass.
    if (announcesBody(fields)) return this.#deny(context, { kind: 'bad_request', reason: 'unexpected_body' });
    this.#authorize(context, principal, callWithoutBody(context, search));
  }

  #readBody(context: RequestContext, search: string, principal: Principal, maxBytes: number): void {
    const { req, fields, body, config } = context;
    const maxShort = config.config.transport.messageChecks === 'Off' ? Infinity : MAX_SHORT_BODY;
    if (body !== undefined) {
      context.body = undefined;
      const again = bodyAgain(body, { maxBytes, maxShort, held: context.heldBody });
      return this.#onBody(context, search, principal, again);
    }
    writeContinue(context);
    const length = fields.chunked ? undefined : Number(fields.contentLength ?? 0);
    const limits = { owner: principal.owner, length, maxBytes, maxShort, budget: this.#budget };
    const reader = new BodyReader(req, limits, (result) => {
      this.#bodies.delete(reader);
      this.#onBody(context, search, principal, result);
    });
    this.#bodies.add(reader);
    reader.start();
  }

  #onBody(context: RequestContext, search: string, principal: Principal, result: BodyResult): void {
    switch (result.kind) {
      case 'body':
        return this.#resume(context, () => this.#readShort(context, search, principal, result.bytes));
      case 'long_body':
        return this.#readInTurns(context, search, principal, result.body);
      case 'refused':
        return this.#resume(context, () => this.#deny(context, result.denial));
      case 'gone':
        return this.#record(context, CLIENT_CLOSED);
      default:
        return result satisfies never;
    }
  }

  #readShort(context: RequestContext, search: string, principal: Principal, bytes: Buffer): void {
    const { messageChecks } = context.config.config.transport;
    if (messageChecks === 'Off')
      return this.#authorize(context, principal, uninspectedCall(context, search, messageChecks, bytes));
    this.#onReading(context, principal, readCall(bytes, context, search));
  }

  /** A long body would hold the event loop: it is read in steps, in turns with those of other principals. */
  #readInTurns(context: RequestContext, search: string, principal: Principal, body: HeldBody): void {
    context.heldBody = body;
    const isGone = () => context.res.destroyed;
    const work = new LongBodyWork(body, isGone, (result) => {
      this.#resume(context, () => {
        if (result.kind !== 'read') return this.#deny(context, { kind: 'overloaded', reason: 'bodies' });
        const { reading, bytes } = result;
        this.#onReading(context, principal, callOf(reading, bytes, context, search));
      });
    });
    this.#turns.add(principal.owner, work);
  }

  #onReading(context: RequestContext, principal: Principal, reading: CallReading): void {
    if (reading.ok) {
      context.audit.id = reading.call.id;
      return this.#authorize(context, principal, reading.call);
    }
    const { error } = reading;
    this.#deny(context, { kind: 'message_refused', reason: error.reason, error });
  }

  #authorize(context: RequestContext, principal: Principal, call: Call): void {
    const authorization = authorize(principal, call, this.#inForce);
    switch (authorization.kind) {
      case 'permitted':
        return this.#checkSession(context, authorization.permit);
      case 'denied':
        return this.#deny(context, authorization.denial);
      case 'outdated':
        return this.#decideAgain(context, 'bytes' in call.content ? call.content.bytes : undefined);
      default:
        return authorization satisfies never;
    }
  }

  /**
   * What was found out holds no more: from its first step again, by what is in force now (RESOURCE_SERVER C50).
   * @param body all of it, where it has come
   */
  #decideAgain(context: RequestContext, body: Buffer | undefined): void {
    this.#route(contextAgain(context, this.#inForce.current, body));
  }

  #checkSession(context: RequestContext, permit: Permit): void {
    const { unknownSessions } = context.config.config.transport;
    const { owner } = permit.principal;
    const check = checkSession(permit.call, { owner, sessions: this.#deps.sessions, unknownSessions });
    if (!check.ok) return this.#deny(context, check.denial);
    this.#forward(context, permit, check.session);
  }

  /** Admits and proxies. No closure here may hold the permit: it holds the body, and an answer may take hours. */
  #forward(context: RequestContext, permit: Permit, session: SessionUse): void {
    const { res, fields, config, audit, heldBody } = context;
    if (fields.dropped !== undefined) this.#droppedHeaders.record(fields.dropped);
    const identityLine = config.identity?.line(permit.principal) ?? '';
    let proxied: ProxiedRequest | undefined = undefined;
    const entry = this.#admissions.admit(res, permit.principal.owner, () => this.#onOver(context, proxied));
    if (!entry.ok) return this.#deny(context, { kind: 'overloaded', reason: entry.reason });
    writeContinue(context); // where the body goes by unread
    proxied = proxy(permit, {
      settings: config.proxySettings,
      session,
      admission: entry.admission,
      identityLine,
      responseFields: audit.answerFields,
      mayGoOn: (request) => this.#mayGoOn(request),
      onLongBodySent: heldBody && (() => heldBody.release()),
      deny: (denial, cause) => this.#denyAdmitted(context, denial, cause),
    });
    this.#proxied.add(proxied);
  }

  // --- answers ---

  /** An admitted request is over, however that came about. */
  #onOver(context: RequestContext, proxied: ProxiedRequest | undefined): void {
    if (proxied !== undefined) this.#proxied.delete(proxied);
    this.#record(context, context.res.statusCode);
    if (this.#draining) setImmediate(this.#deps.onDrained);
  }

  #answer(
    context: RequestContext,
    status: number,
    fields: readonly string[],
    body: string | undefined,
  ): void {
    const { req, res } = context;
    const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))];
    res.writeHead(status, [...fields, ...length]);
    res.end(body);
    // Served without a token: a body that trickles in must not keep the connection.
    if (!req.complete) discardRest(req, res);
    this.#record(context, status);
  }

  /** Denies a request that was not admitted. */
  #deny(context: RequestContext, denial: Denial): void {
    this.#writeDenial(context, denial);
    this.#record(context, context.res.statusCode);
  }

  /** Logs the decision, once, and answers. The body of the request is not waited for. */
  #writeDenial(context: RequestContext, denial: Denial): void {
    const { req, res, audit } = context;
    const { headers, status, body } = this.#logDenial(context, denial);
    // While draining, every answer closes its connection.
    // An unreadable head desynchronizes the connection: it is not used again (RFC 9112 section 11.2). After authentication a
    // bad request is about single fields, and what follows on the connection may be with the server already.
    const isUnreadable = denial.kind === 'bad_request' || denial.kind === 'header_fields_too_large';
    if (this.#draining || (isUnreadable && !audit.authenticated)) res.shouldKeepAlive = false;
    res.writeHead(status, [...headers, ...audit.answerFields]);
    endBeforeBody(req, res, body);
  }

  /** Counts and logs. @returns the answer that the denial asks for */
  #logDenial(context: RequestContext, denial: Denial): DenialResponse {
    const { req, fields, config, audit } = context;
    const scheme = schemeOf(fields.authorization);
    const response = denialResponse(denial, config.challenge, scheme, audit.id);
    const { status, requestId } = response;
    const reason = 'reason' in denial ? denial.reason : denial.kind;
    this.#deps.metrics.denials.inc({ reason: denial.kind });
    const entry = { kind: denial.kind, reason, status, route: audit.route, method: req.method, requestId };
    if (audit.authenticated) this.#denialLog.writeAlways(entry);
    else this.#denialLog.writeLimited(entry);
    return response;
  }

  /** Denies a request that was admitted: it is recorded when its response is over. An answer that has begun is cut. */
  #denyAdmitted(context: RequestContext, denial: Denial, cause: unknown): void {
    if (cause !== undefined) this.#logUnexpected(context, cause);
    else if (context.res.headersSent) this.#logDenial(context, denial);
    this.#orDestroy(context, () => this.#writeDenial(context, denial));
  }

  #onUnexpected(context: RequestContext, error: unknown): void {
    this.#logUnexpected(context, error);
    this.#orDestroy(context, () => this.#deny(context, { kind: 'internal_error' }));
  }

  #logUnexpected({ audit }: RequestContext, error: unknown): void {
    this.#deps.logger.error({ err: error, route: audit.route }, 'request failed');
  }

  /** The end of the connection denies, too: an answer that has begun, and where even the denial fails. */
  #orDestroy({ res }: RequestContext, deny: () => void): void {
    if (!res.headersSent) {
      try {
        return deny();
      } catch (error) {
        this.#deps.logger.error({ err: error }, 'denial failed');
      }
    }
    res.destroy();
  }

  #record({ audit, req, startedAt, heldBody }: RequestContext, status: number): void {
    heldBody?.release();
    const seconds = (performance.now() - startedAt) / 1000;
    this.#deps.metrics.recordRequest(audit.route, req.method ?? '', status, seconds);
  }

  #expire(): void {
    this.review();
    const now = Date.now();
    for (const proxied of this.#proxied) proxied.expire(now);
    for (const body of this.#bodies) body.expire(now);
  }
}

/** Refusals of credentials; to send none is how every client begins. */
const FAILURES: ReadonlySet<Denial['kind']> = new Set<Denial['kind']>([
  'invalid_token',
  'invalid_request',
  'invalid_dpop_proof',
]);

/** Rate-limits failed authentications by source address: beyond the limit the denial is a 429. A good token passes. */
function limitFailures({ req, config }: RequestContext, denial: Denial): Denial {
  if (config.failures === undefined || !FAILURES.has(denial.kind)) return denial;
  const seconds = config.failures.count(sourceOf(req.socket));
  return seconds === undefined ? denial : { kind: 'too_many_failures', seconds };
}

/** RFC 9110 section 10.1.1: once, and only for a request that may pass. */
function writeContinue(context: RequestContext): void {
  if (context.expectsContinue) context.res.writeContinue();
  context.expectsContinue = false;
}

function budgetFor({ config }: CompiledConfig): ByteBudget {
  return new ByteBudget(Math.max(MAX_BUFFERED_BYTES, 2 * config.transport.maxMessageBytes));
}
