// What goes wrong between a client and the API server, and the predicates that callers need. Retries nothing.

/** Stable: the values of log fields and metrics. */
type KubeErrorCode = 'refused' | NoAnswerCode;

type NoAnswerCode = 'timeout' | 'stopped' | 'connection' | 'malformed' | 'too_large';

/** The `Status` object of an error answer (meta/v1). */
export interface ApiStatus {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly {
      readonly reason?: string;
      readonly message?: string;
      readonly field?: string;
    }[];
  };
}

/** The API server answered with an error. */
export class ApiError extends Error {
  readonly code: KubeErrorCode = 'refused';
  /** The HTTP status. An error within a watch has the code of its `Status` object. */
  readonly status: number;
  /** One word of the API server's, such as `Conflict`, `Expired` or `Invalid`. */
  readonly reason: string;
  readonly body: ApiStatus | undefined;
  /** How long the server asked its client to wait. */
  readonly retryAfterMs: number | undefined;

  /** @param what the operation and its object: `apply Deployment team-a/weather` */
  constructor(
    what: string,
    answer: { status: number; body?: ApiStatus | undefined; retryAfterMs?: number | undefined },
  ) {
    const reason = answer.body?.reason || REASONS.get(answer.status) || 'Unknown';
    // Some messages are lists with line breaks; logs and conditions hold one line.
    const message = answer.body?.message?.replace(/\s*\n\s*/g, ' ') ?? 'no message';
    super(`${what}: ${answer.status} ${reason}: ${message}`);
    this.name = 'ApiError';
    this.status = answer.status;
    this.reason = reason;
    this.body = answer.body;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** There was no usable answer: the operation may or may not have been done. */
export class NoAnswerError extends Error {
  readonly code: KubeErrorCode;

  constructor(what: string, code: NoAnswerCode, detail: string, options?: ErrorOptions) {
    super(`${what}: ${detail}`, options);
    this.name = 'NoAnswerError';
    this.code = code;
  }
}

/** For answers without a `Status` object: those of proxies, and of the server before it is up. */
const REASONS = new Map([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [422, 'Invalid'],
  [429, 'TooManyRequests'],
  [500, 'InternalError'],
  [503, 'ServiceUnavailable'],
  [504, 'Timeout'],
]);

export function isNotFound(error: unknown): boolean {
  return hasStatus(error, 404);
}

/** The object was changed meanwhile, another manager owns the field, or a precondition did not hold. */
export function isConflict(error: unknown): boolean {
  return hasStatus(error, 409) && error.reason !== 'AlreadyExists';
}

export function isAlreadyExists(error: unknown): boolean {
  return hasStatus(error, 409) && error.reason === 'AlreadyExists';
}

/** The resourceVersion or the continue token has expired: list again. Its reasons are `Expired` and `Gone`. */
export function isGone(error: unknown): boolean {
  return hasStatus(error, 410);
}

export function isForbidden(error: unknown): boolean {
  return hasStatus(error, 403);
}

/**
 * The object breaks a rule of the schema, or of CEL; sending it again does not help. Server-side apply says so with a
 * 500 when a field is unknown or of the wrong type, since the patch fails before it is validated: `port: {}` of a probe passes
 * the types, which take a number or a text for anything, and fails when it is converted.
 */
export function isInvalid(error: unknown): boolean {
  if (hasStatus(error, 400) || hasStatus(error, 422)) return true;
  return (
    hasStatus(error, 500) &&
    /^failed to (create typed patch object|convert new object)/.test(error.body?.message ?? '')
  );
}

/** The caller's signal ended the request: not a failure. */
export function isStopped(error: unknown): boolean {
  return error instanceof NoAnswerError && error.code === 'stopped';
}

/** The answer was longer than its reader wanted: ask for less of it. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof NoAnswerError && error.code === 'too_large';
}

/** An answer that is not what the API server sends: cut, too long, or not JSON. */
export function isMalformed(error: unknown): boolean {
  return error instanceof NoAnswerError && error.code === 'malformed';
}

export function retryAfterOf(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfterMs : undefined;
}

function hasStatus(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}
