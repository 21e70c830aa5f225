// What can go wrong on the way to a token, told to people: each message says what to do. Never a password or a token.

export type LoginErrorCode =
  | 'ERR_UNREACHABLE'
  | 'ERR_CERTIFICATE'
  | 'ERR_DISCOVERY'
  | 'ERR_WRONG_PASSWORD'
  | 'ERR_UNEXPECTED_PAGE'
  | 'ERR_CALLBACK'
  | 'ERR_REFUSED';

export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly code: LoginErrorCode;
  /** The OAuth error (RFC 6749 sections 4.1.2.1 and 5.2), when the server gave one. */
  readonly oauthError: string | undefined;

  constructor(code: LoginErrorCode, message: string, options: { cause?: unknown; oauthError?: string } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.oauthError = options.oauthError;
  }
}

const EXPIRED = 'CERT_HAS_EXPIRED';
const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** A failed connection, as a sentence. */
export function connectionError(url: URL, cause: unknown): LoginError {
  const code = errorCode(cause);
  if (code === EXPIRED) {
    const advice = 'restart the server; with npm start its certificates are renewed';
    return new LoginError(
      'ERR_CERTIFICATE',
      `the certificate of ${url.origin}, or its CA, has expired: ${advice}`,
      {
        cause,
      },
    );
  }
  if (UNTRUSTED.has(code)) {
    const advice = 'name the CA that signed it with --ca-file (local mode keeps its own in .local/ca/ca.crt)';
    return new LoginError(
      'ERR_CERTIFICATE',
      `the certificate of ${url.origin} is not trusted (${code}): ${advice}`,
      {
        cause,
      },
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const advice = 'use the host name that is in the issuer';
    return new LoginError(
      'ERR_CERTIFICATE',
      `the certificate of ${url.origin} is for another name: ${advice}`,
      {
        cause,
      },
    );
  }
  const advice = 'is it running? Start the local one with: npm start';
  return new LoginError('ERR_UNREACHABLE', `cannot reach ${url.origin} (${code}): ${advice}`, { cause });
}

function errorCode(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  // One name, several addresses: Node reports an AggregateError with the code of the first.
  return typeof code === 'string' ? code : name === 'TimeoutError' ? 'no answer in time' : message;
}
