// Where the reference server finds a token: one Authorization field, and nowhere else (OAuth 2.1 section 5.1).
import type { IncomingMessage } from 'node:http';
import type { Setup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';

export class Credentials {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly token: string;

  constructor(scheme: 'Bearer' | 'DPoP', token: string) {
    this.scheme = scheme;
    this.token = token;
  }
}

export function credentialsOf(
  req: IncomingMessage,
  search: string,
  setup: Setup,
  wrong: Wrong,
): Credentials | 'malformed' | undefined {
  const fields = req.headersDistinct.authorization ?? [];
  const stray = strayToken(req, search, wrong);
  if (stray !== undefined) return new Credentials('Bearer', stray);
  if (fields.length > 1 && !wrong('first-authorization-wins')) return 'malformed';
  const [scheme = '', token = ''] = wrong('one-space-only')
    ? (fields[0] ?? '').split(' ')
    : (/^(\S+) *(.*)$/.exec(fields[0] ?? '')?.slice(1) ?? []);
  const dpop = setup.dpop !== undefined && scheme.toLowerCase() === 'dpop';
  const bearer = setup.dpop !== 'Require' && scheme.toLowerCase() === 'bearer';
  if (!dpop && !bearer) {
    return wrong('error-on-other-schemes') && scheme !== '' ? new Credentials('Bearer', 'x') : undefined;
  }
  if (token.trim() === '')
    return wrong('error-on-other-schemes') ? new Credentials('Bearer', 'x') : undefined;
  if (/[ ,]/.test(token)) return 'malformed';
  return new Credentials(dpop ? 'DPoP' : 'Bearer', token);
}

function strayToken(req: IncomingMessage, search: string, wrong: Wrong): string | undefined {
  const query = new URLSearchParams(search).get('access_token') ?? undefined;
  if (wrong('token-in-query')) return query;
  return wrong('token-in-cookie') ? /access_token=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] : undefined;
}
