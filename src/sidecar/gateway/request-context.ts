// What the steps of one request have in common: the request, and the configuration that it is being decided by.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeldBody } from '../http/read-body.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { RouteLabel } from '../observability/metrics.ts';
import type { CompiledConfig } from './compiled-config.ts';
import type { PendingVerification } from './pending-verification.ts';

export interface RequestContext extends ReceivedRequest {
  readonly config: CompiledConfig;
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** The client waits for `100 Continue` before it sends the body. False once that was said. */
  expectsContinue: boolean;
  /** All of the body, where the request is decided again after that had come. Taken by who uses it: an answer may take hours. */
  body: Buffer | undefined;
  /** Of DPoP: see `Presentation`. */
  isProofAccepted: boolean;
  readonly audit: Audit;
  /** Whether it is decided again: it has passed what a token that is not known has to pass. */
  readonly isAgain: boolean;
  /** While its token is verified, and after it. */
  verification: PendingVerification<RequestContext> | undefined;
  /** A long body, while it takes memory that is shared out. */
  heldBody: HeldBody | undefined;
}

/**
 * What is known of a request for its log line, its metrics, and any answer of the sidecar's own, however far the request has
 * come when that is needed. Nothing about the right to call is decided by it. Each member is written in one place, when the
 * step that finds it out is over.
 */
interface Audit {
  route: RouteLabel;
  /** Whether the token was good: a refusal after that is always logged. */
  authenticated: boolean;
  /** Of the JSON-RPC request, as JSON text, once it was read: a refusal names it. */
  id: string | undefined;
  /** Fields for the answer, whatever it will be: CORS, nonce. */
  answerFields: readonly string[];
}

const NO_FIELDS: readonly string[] = [];

export function requestContext(
  req: IncomingMessage,
  res: ServerResponse,
  config: CompiledConfig,
  expectsContinue: boolean,
): RequestContext {
  return {
    req,
    res,
    fields: config.requestHeaders.read(req.rawHeaders),
    config,
    startedAt: performance.now(),
    expectsContinue,
    body: undefined,
    isProofAccepted: false,
    audit: { route: 'other', authenticated: false, id: undefined, answerFields: NO_FIELDS },
    isAgain: false,
    verification: undefined,
    heldBody: undefined,
  };
}

/** The same request, to be decided again by another configuration or at another time. */
export function contextAgain(
  context: RequestContext,
  config: CompiledConfig,
  body: Buffer | undefined,
): RequestContext {
  const { req, audit } = context;
  // How its fields are read and what is answered depends on the configuration; what it is called does not.
  const fields = config.requestHeaders.read(req.rawHeaders);
  const again = { isAgain: true, verification: undefined };
  return { ...context, ...again, config, fields, body, audit: { ...audit, answerFields: NO_FIELDS } };
}
