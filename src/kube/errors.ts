// What goes wrong between us and the API server, and the questions that callers ask about it. Decides nothing.

/** The `Status` object of an error answer (meta/v1). */
export interface Status {
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

/** The API server answered, and said no. */
export class ApiError extends Error {
  /** The HTTP status. An error within a watch has the code of its `Status` object. */
  readonly code: number;
  /** One word of the API server's, such as `Conflict`, `Expired` or `Invalid`. */
  readonly reason: string;
  readonly status: Status | undefined;
  /** How long the server asked us to wait. */
  readonly retryAfterMs: number | undefined;

  /** @param what the operation and its object: `apply Deployment team-a/weather` */
  constructor(
    what: string,
    answer: { code: number; status?: Status | undefined; retryAfterMs?: number | undefined },
  ) {
    const reason = answer.status?.reason || REASONS.get(answer.code) || 'Unknown';
    // Some messages are lists with line breaks; logs and conditions hold one line.
    const message = answer.status?.message?.replace(/\s*\n\s*/g, ' ') ?? 'no message';
    super(`${what}: ${answer.code} ${reason}: ${message}`);
    this.name = 'ApiError';
    this.code = answer.code;
    this.reason = reason;
    this.status = answer.status;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** Stable: the values of log fields and metrics. */
export type NoAnswerCode = 'timeout' | 'stopped' | 'connection' | 'malformed';

/** There was no usable answer: nobody knows whether the operation was done. */
export class NoAnswerError extends Error {
  readonly code: NoAnswerCode;

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
  return hasCode(error, 404);
}

/** Somebody else changed the object, or owns the field, or a precondition did not hold. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, 409) && error.reason !== 'AlreadyExists';
}

export function isAlreadyExists(error: unknown): boolean {
  return hasCode(error, 409) && error.reason === 'AlreadyExists';
}

/** The version or the continue token is too old: list again. Its reasons are `Expired` and `Gone`. */
export function isGone(error: unknown): boolean {
  return hasCode(error, 410);
}

export function isForbidden(error: unknown): boolean {
  return hasCode(error, 403);
}

export function isTooManyRequests(error: unknown): boolean {
  return hasCode(error, 429);
}

/**
 * The object breaks a rule of the schema, or of CEL; the same object will break it again. Server-side apply says so with a
 * 500 when a field is unknown or of the wrong type, since the patch fails before it is validated.
 */
export function isInvalid(error: unknown): boolean {
  if (hasCode(error, 400) || hasCode(error, 422)) return true;
  return (
    hasCode(error, 500) && (error.status?.message ?? '').startsWith('failed to create typed patch object')
  );
}

/** We were told to stop: not a failure. */
export function isStopped(error: unknown): boolean {
  return error instanceof NoAnswerError && error.code === 'stopped';
}

/** An answer that is not what the API server sends: cut, too long, or not JSON. */
export function isMalformed(error: unknown): boolean {
  return error instanceof NoAnswerError && error.code === 'malformed';
}

/** The same operation may well succeed later, without anybody changing anything. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof NoAnswerError) return error.code !== 'stopped';
  if (isInvalid(error)) return false;
  return error instanceof ApiError && (error.code >= 500 || [408, 409, 410, 429].includes(error.code));
}

export function retryAfterOf(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfterMs : undefined;
}

function hasCode(error: unknown, code: number): error is ApiError {
  return error instanceof ApiError && error.code === code;
}
