// Tokens as people get them, by a login: good ones, and ones that are good somewhere else.
import { fetchAccessToken, type TokenResponse } from '../../src/local/login/authorization-code.ts';
import type { Tokens } from './real-situations.ts';

/** An authorization server with mcp-client and eitan. */
export interface Realm {
  readonly issuer: string;
  /** PEM. */
  readonly ca: string;
}

/** @param other a second authorization server, which gives the same audience */
export async function logInForTokens(realm: Realm, other: Realm): Promise<Tokens> {
  const [good, otherAudience, otherIssuer] = await Promise.all([
    logInAsEitan(realm, 'openid echo-mcp-server'),
    logInAsEitan(realm, 'openid'),
    logInAsEitan(other, 'openid echo-mcp-server'),
  ]);
  return {
    good: good.access_token,
    idToken: good.id_token ?? '',
    otherAudience: otherAudience.access_token,
    otherIssuer: otherIssuer.access_token,
  };
}

export function logInAsEitan({ issuer, ca }: Realm, scope: string): Promise<TokenResponse> {
  return fetchAccessToken({ issuer, ca, clientId: 'mcp-client', user: 'eitan', password: 'test', scope });
}
