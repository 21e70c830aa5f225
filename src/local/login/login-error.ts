// What can go wrong on the way to a token, as errors for people: each message says what to do. Never a password or a token.

type LoginErrorCode =
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

  constructor(code: LoginErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** A request without a response, as a sentence. */
export function connectionError(url: URL, cause: unknown): LoginError {
  const code = errorCode(cause);
  const certificate = certificateProblem(code);
  if (certificate !== undefined) {
    const { problem, advice } = certificate;
    const message = `the certificate of ${url.origin} ${problem}: ${advice}`;
    return new LoginError('ERR_CERTIFICATE', message, { cause });
  }
  const advice = 'is it running? Start the local one with: npm start';
  return new LoginError('ERR_UNREACHABLE', `cannot reach ${url.origin} (${code}): ${advice}`, { cause });
}

function certificateProblem(code: string): { problem: string; advice: string } | undefined {
  if (code === 'CERT_HAS_EXPIRED') {
    return {
      problem: 'or of its CA has expired',
      advice: 'restart the server; with npm start its certificates are renewed',
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return { problem: 'is for another name', advice: 'use the host name that is in the issuer' };
  if (!UNTRUSTED.has(code)) return undefined;
  return {
    problem: `is not trusted (${code})`,
    advice: 'name the CA that signed it with --ca-file (local mode keeps its own in .local/ca/ca.crt)',
  };
}

/** fetch has the reason as its cause. One name, several addresses: Node reports an AggregateError with the first code. */
function errorCode(error: unknown): string {
  const { code, name, message, cause } = error as NodeJS.ErrnoException;
  if (cause !== undefined) return errorCode(cause);
  return typeof code === 'string' ? code : name === 'TimeoutError' ? 'no response in time' : message;
}
