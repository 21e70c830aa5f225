// The OAuth 2.1 authorization code flow with PKCE, from the issuer's name to the tokens. Stores nothing, prints nothing.
import { createHash, randomBytes } from 'node:crypto';
import { request } from './http-client.ts';
import { connectionError, LoginError } from './login-error.ts';
import { logIn } from './scripted-login.ts';

export { LoginError } from './login-error.ts';
export { logIn } from './scripted-login.ts';

export interface AccessTokenOptions {
  issuer: string;
  clientId: string;
  user: string;
  password: string;
  /** Space-separated. */
  scope: string;
  /** RFC 8707: the resource that the token is for; sent as given. */
  resource?: string | undefined;
  /** One that the client is allowed; never opened. Default: the MCP Inspector's. */
  redirectUri?: string | undefined;
  /** PEM that the server's certificate must chain to, besides the system's authorities. */
  ca?: string | undefined;
}

/** RFC 6749 section 5.1. */
export interface TokenResponse {
  access_token: string;
  token_type: string;
  expires_in?: number;
  refresh_token?: string;
  id_token?: string;
  scope?: string;
}

export interface AuthorizationServerMetadata {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  scopes_supported?: string[];
  authorization_response_iss_parameter_supported?: boolean;
}

/** The Inspector's: a redirect URI that every realm made for MCP clients permits. */
const REDIRECT_URI = 'http://localhost:6274/oauth/callback';

export async function fetchAccessToken(options: AccessTokenOptions): Promise<TokenResponse> {
  const { clientId, redirectUri = REDIRECT_URI, resource, ca } = options;
  const metadata = await discover(options.issuer, ca);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');

  const authorizationUrl = new URL(metadata.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: options.scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), // RFC 7636 section 4.2
    code_challenge_method: 'S256',
    ...(resource === undefined ? {} : { resource }),
  };
  for (const [name, value] of Object.entries(parameters)) authorizationUrl.searchParams.set(name, value);

  const callback = await logIn(authorizationUrl, options);
  const code = readCallback(callback, { metadata, state, scope: options.scope });
  const form = {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code,
    code_verifier: verifier,
    ...(resource === undefined ? {} : { resource }),
  };
  return requestToken(metadata, new URLSearchParams(form), ca);
}

/** RFC 8414 section 3.1 (the well-known part before the path), then OpenID Connect Discovery section 4 (after it). */
export async function discover(issuer: string, ca?: string): Promise<AuthorizationServerMetadata> {
  const url = issuerUrl(issuer);
  const path = url.pathname.replace(/\/$/, '');
  const forms = [
    `/.well-known/oauth-authorization-server${path}`,
    `${path}/.well-known/openid-configuration`,
  ];
  for (const form of forms) {
    const answer = await send(new URL(form, url.origin), { ca });
    if (answer.status === 200) return checkMetadata(answer.body, issuer);
  }
  throw new LoginError(
    'ERR_DISCOVERY',
    `${issuer} is not an authorization server: no metadata at ${forms.join(' or ')}`,
  );
}

function issuerUrl(issuer: string): URL {
  if (URL.canParse(issuer) && /^https?:$/.test(new URL(issuer).protocol)) return new URL(issuer);
  throw new LoginError('ERR_DISCOVERY', `"${issuer}" is not an issuer: a URL with https:// is needed`);
}

/** RFC 8414 section 3.3: the document must name exactly the issuer that was asked for. */
function checkMetadata(body: string, issuer: string): AuthorizationServerMetadata {
  const metadata = parseJson(body) as Partial<AuthorizationServerMetadata> | undefined;
  const { authorization_endpoint: authorize, token_endpoint: token } = metadata ?? {};
  if (metadata?.issuer !== issuer) {
    const named = typeof metadata?.issuer === 'string' ? `"${metadata.issuer}"` : 'no issuer';
    throw new LoginError(
      'ERR_DISCOVERY',
      `the metadata of ${issuer} names ${named}: use the issuer exactly as it does`,
    );
  }
  if (
    typeof authorize !== 'string' ||
    typeof token !== 'string' ||
    !URL.canParse(authorize) ||
    !URL.canParse(token)
  ) {
    throw new LoginError(
      'ERR_DISCOVERY',
      `the metadata of ${issuer} lacks the authorization or the token endpoint`,
    );
  }
  return metadata as AuthorizationServerMetadata;
}

/** The code, after the checks that keep another session's or another server's answer out. */
function readCallback(
  callback: URL,
  { metadata, state, scope }: { metadata: AuthorizationServerMetadata; state: string; scope: string },
): string {
  const { searchParams } = callback;
  if (searchParams.get('state') !== state) {
    throw new LoginError(
      'ERR_CALLBACK',
      'the answer has another "state" than the request: it was not meant for us',
    );
  }
  // RFC 9207 section 2.4: compared when present, and required when the server says that it sends it.
  const iss = searchParams.get('iss');
  if (
    iss === null ? metadata.authorization_response_iss_parameter_supported === true : iss !== metadata.issuer
  ) {
    throw new LoginError(
      'ERR_CALLBACK',
      `the answer comes from ${iss ?? 'nobody'} and not from ${metadata.issuer}`,
    );
  }
  const error = searchParams.get('error');
  if (error !== null) throw refusal(error, searchParams.get('error_description'), { scope, metadata });
  const code = searchParams.get('code');
  if (code === null)
    throw new LoginError('ERR_CALLBACK', 'the answer of the authorization server has no code');
  return code;
}

async function requestToken(
  metadata: AuthorizationServerMetadata,
  form: URLSearchParams,
  ca: string | undefined,
): Promise<TokenResponse> {
  const answer = await send(new URL(metadata.token_endpoint), { form, ca });
  const body = parseJson(answer.body) as
    (Partial<TokenResponse> & { error?: string; error_description?: string }) | undefined;
  if (answer.status === 200 && typeof body?.access_token === 'string') return body as TokenResponse;
  throw refusal(body?.error ?? `status ${answer.status}`, body?.error_description ?? null);
}

function refusal(
  error: string,
  description: string | null,
  asked?: { scope: string; metadata: AuthorizationServerMetadata },
): LoginError {
  const offered = asked?.metadata.scopes_supported?.join(' ');
  const advice =
    error === 'invalid_scope' && asked
      ? `; asked for: ${asked.scope}${offered ? `; the server offers: ${offered}` : ''}`
      : '';
  const reason = description === null ? '' : ` (${description})`;
  return new LoginError('ERR_REFUSED', `the authorization server refuses: ${error}${reason}${advice}`, {
    oauthError: error,
  });
}

async function send(url: URL, options: { form?: URLSearchParams; ca: string | undefined }) {
  try {
    return await request(url, { ...options, headers: { accept: 'application/json' } });
  } catch (error) {
    throw connectionError(url, error);
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
