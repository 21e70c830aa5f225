// What can go wrong, as errors for people: what, where, what to do, and an exit code. Never a password or a token.
import { NetworkError } from '@keycloak/keycloak-admin-client';

/** 1 is for the unexpected. A Job can tell from the code whether another try makes sense (docs/keycloak.md). */
export const EXIT_CODES = {
  ERR_CONFIG: 2,
  ERR_UNREACHABLE: 3,
  ERR_CERTIFICATE: 4,
  ERR_CREDENTIALS: 5,
  ERR_PERMISSION: 6,
  ERR_REFUSED: 7,
} as const;

type RealmErrorCode = keyof typeof EXIT_CODES;

export class RealmError extends Error {
  override readonly name = 'RealmError';
  readonly code: RealmErrorCode;

  constructor(code: RealmErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** What a program that failed writes, and its exit code. Anything but a RealmError is a bug: with its stack. */
export function describeFailure(error: unknown): { text: string; exitCode: number } {
  if (error instanceof RealmError) return { text: error.message, exitCode: EXIT_CODES[error.code] };
  return { text: String(error instanceof Error ? error.stack : error), exitCode: 1 };
}

const CERTIFICATE_ERRORS: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

export function statusOf(error: unknown): number | undefined {
  return error instanceof NetworkError ? error.response.status : undefined;
}

/** A request that got no answer, as a failure. */
export function connectionFailure(url: string, error: unknown): RealmError {
  const code = errorCode(error);
  if (CERTIFICATE_ERRORS.has(code)) return certificateFailure(url, code, error);
  return new RealmError('ERR_UNREACHABLE', `cannot reach Keycloak at ${url}: ${reasonOf(error)}`, {
    cause: error,
  });
}

function certificateFailure(url: string, code: string, cause: unknown): RealmError {
  const advice =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? 'issued for another host; use one of its names in keycloak.url'
      : code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'
        ? 'renew it, or check the clock of this machine'
        : 'set keycloak.caFile to the CA that signed it';
  return new RealmError('ERR_CERTIFICATE', `the certificate of ${url} is not trusted (${code}): ${advice}`, {
    cause,
  });
}

/** Why a request got no answer, in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'request timed out';
  const { cause } = error as { cause?: unknown };
  if (cause instanceof Error && cause.message === 'unexpected redirect')
    return 'unexpected redirect; use the URL that it leads to';
  const code = errorCode(error);
  const said = cause instanceof Error && cause.message !== '' ? cause.message : String(error);
  return code === '' || said.includes(code) ? said : `${said} (${code})`;
}

/** Node gives several addresses that all failed as one AggregateError, whose code is that of the first. */
function errorCode(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause === undefined ? '' : errorCode(cause);
}

/** What Keycloak said about a request that it refused: an error of OAuth, or of its admin API. */
export function complaintOf(error: unknown): string {
  if (!(error instanceof NetworkError)) return String(error);
  const data = (error.responseData ?? {}) as Record<string, unknown>; // Any JSON, or text: looked at field by field.
  const said = [data['errorMessage'], data['error_description'], data['error']].find(
    (text) => typeof text === 'string' && text !== '',
  );
  return `${error.response.status}${typeof said === 'string' ? ` ${said}` : ''}`;
}
