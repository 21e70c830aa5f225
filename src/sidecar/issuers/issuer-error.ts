// The one error of this room: why something could not be had of an issuer, by a stable code. Decides nothing.
import type { IssuerErrorCode, IssuerFailure } from '../../protocol/sidecar-status.ts';

/** The message names what was asked for. It never holds a token, a secret, or more than a few words of an answer. */
export class IssuerError extends Error {
  readonly code: IssuerErrorCode;

  constructor(code: IssuerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IssuerError';
    this.code = code;
  }
}

/** What a caught value says, in the form of /status. Anything but an `IssuerError` is a defect. */
export function issuerFailure(error: unknown): IssuerFailure {
  if (error instanceof IssuerError) return { code: error.code, message: error.message };
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) };
}
