// The reference server's refusals: status, challenge, body (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1).
import { randomUUID } from 'node:crypto';
import type { Setup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';
import { NONCE } from './proof.ts';

export interface Refusal {
  readonly status: number;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: string;
}

export interface Cause {
  readonly error?:
    'invalid_token' | 'invalid_request' | 'insufficient_scope' | 'invalid_dpop_proof' | 'use_dpop_nonce';
  /** The scheme that was tried. */
  readonly scheme?: 'Bearer' | 'DPoP';
  readonly scopes: readonly string[];
  /** What a good server keeps to itself. */
  readonly detail?: string;
  /** A text of the request: a good server never repeats one. */
  readonly quoted?: string;
}

const STATUS: Readonly<Record<string, number>> = { invalid_request: 400, insufficient_scope: 403 };

export function refusal(
  cause: Cause,
  metadataUrl: string,
  { setup, wrong }: { setup: Setup; wrong: Wrong },
): Refusal {
  const { error, scheme = 'Bearer', detail } = cause;
  const description = wrong('tells-what-is-wrong') ? detail : 'The request could not be authorized';
  const body =
    error === undefined
      ? '{"error":"invalid_token","error_description":"Authentication required"}'
      : JSON.stringify({ error, error_description: description, request_id: randomUUID() });
  return {
    status: statusOf(error, wrong),
    headers: [
      'WWW-Authenticate',
      challenges(cause, scheme, metadataUrl, { setup, wrong }),
      ...(error === 'use_dpop_nonce' ? ['DPoP-Nonce', NONCE] : []),
      'Cache-Control',
      'no-store',
      'Content-Type',
      'application/json',
    ],
    body,
  };
}

function statusOf(error: string | undefined, wrong: Wrong): number {
  if (error === 'invalid_token' && wrong('forbidden-for-bad-token')) return 403;
  if (error === 'insufficient_scope' && wrong('401-for-missing-scope')) return 401;
  return STATUS[error ?? ''] ?? 401;
}

function challenges(
  cause: Cause,
  scheme: string,
  metadataUrl: string,
  { setup, wrong }: { setup: Setup; wrong: Wrong },
): string {
  const { scopes, quoted = '' } = cause;
  const error = cause.error ?? (wrong('error-on-bare-401') ? 'invalid_token' : undefined);
  const url = wrong('relative-metadata-url') ? new URL(metadataUrl).pathname : metadataUrl;
  const named = wrong('no-scope-on-401') && error === undefined ? [] : scopes;
  const joint = wrong('spaces-around-equals') ? ' = ' : '=';
  const write = (name: string, parameters: Record<string, string | undefined>) =>
    `${name} ${Object.entries(parameters)
      .flatMap(([key, value]) => (value === undefined || value === '' ? [] : `${key}${joint}"${value}"`))
      .join(', ')}`.trim();
  const description = wrong('description-quotes-token') ? quoted.replace(/[\r\n"\\]/g, '') : undefined;
  const bearer =
    wrong('lone-bearer') && scopes.length === 0
      ? 'Bearer'
      : write('Bearer', {
          error: scheme === 'Bearer' ? error : undefined,
          scope: named.join(' '),
          resource_metadata: url,
          error_description: description,
        });
  if (setup.dpop === undefined) return bearer;
  const dpopError =
    error === 'invalid_dpop_proof' && wrong('bad-proof-is-invalid-token') ? 'invalid_token' : error;
  const dpop = write('DPoP', {
    error: scheme === 'DPoP' ? dpopError : undefined,
    algs: 'ES256',
    scope: setup.dpop === 'Require' ? named.join(' ') : undefined,
    resource_metadata: url,
  });
  if (setup.dpop === 'Require') return dpop;
  return wrong('dpop-challenge-first') ? `${dpop}, ${bearer}` : `${bearer}, ${dpop}`;
}
