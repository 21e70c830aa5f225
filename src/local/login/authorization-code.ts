// The OAuth 2.1 authorization code flow with PKCE, from the issuer's name to the tokens: oauth4webapi's, with a scripted
// login in the middle and errors for people. Stores nothing, prints nothing.
import * as oauth from 'oauth4webapi';
import { httpClient } from './http-client.ts';
import { connectionError, LoginError } from './login-error.ts';
import { logIn } from './scripted-login.ts';

export { LoginError } from './login-error.ts';
export { logIn } from './scripted-login.ts';

interface AccessTokenOptions {
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

export type TokenResponse = oauth.TokenEndpointResponse;

/** RFC 8414, with what the authorization code flow needs. */
interface AuthorizationServerMetadata extends oauth.AuthorizationServer {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
}

/** The Inspector's: a redirect URI that every realm made for MCP clients permits. */
const REDIRECT_URI = 'http://localhost:6274/oauth/callback';

/** Clocks of virtual machines and containers disagree (seconds). */
const CLOCK_TOLERANCE = 30;

export async function fetchAccessToken(options: AccessTokenOptions): Promise<TokenResponse> {
  const { redirectUri = REDIRECT_URI, scope, ca } = options;
  const metadata = await discover(options.issuer, ca);
  const client: oauth.Client = { client_id: options.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE };
  const resource = options.resource === undefined ? {} : { resource: options.resource };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();

  const authorizationUrl = new URL(metadata.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...resource,
  };
  for (const [name, value] of Object.entries(parameters)) authorizationUrl.searchParams.set(name, value);

  const callback = await logIn(authorizationUrl, options);
  try {
    // Checks `state`, and `iss` (RFC 9207): a response to another request, or of another server, is rejected.
    const granted = oauth.validateAuthResponse(metadata, client, callback, state);
    const response = await oauth.authorizationCodeGrantRequest(
      metadata,
      client,
      oauth.None(),
      granted,
      redirectUri,
      verifier,
      { additionalParameters: resource, ...transport(metadata.issuer, ca) },
    );
    return await oauth.processAuthorizationCodeResponse(metadata, client, response);
  } catch (error) {
    throw flowError(error, { metadata, scope });
  }
}

/** RFC 8414 section 3.1 (the well-known part before the path), then OpenID Connect Discovery section 4 (after it). */
export async function discover(issuer: string, ca?: string): Promise<AuthorizationServerMetadata> {
  if (!URL.canParse(issuer) || !/^https?:$/.test(new URL(issuer).protocol))
    throw new LoginError('ERR_DISCOVERY', `"${issuer}" is not a valid issuer: must be an https:// URL`);
  const url = new URL(issuer);
  const options = transport(issuer, ca);
  for (const algorithm of ['oauth2', 'oidc'] as const) {
    const response = await oauth.discoveryRequest(url, { algorithm, ...options });
    if (response.status === 200) return readMetadata(issuer, response);
  }
  const path = url.pathname.replace(/\/$/, '');
  const forms = `/.well-known/oauth-authorization-server${path} or ${path}/.well-known/openid-configuration`;
  throw new LoginError('ERR_DISCOVERY', `${issuer} is not an authorization server: no metadata at ${forms}`);
}

async function readMetadata(issuer: string, response: Response): Promise<AuthorizationServerMetadata> {
  const fail = (problem: string, cause?: unknown) =>
    new LoginError('ERR_DISCOVERY', `the metadata of ${issuer} ${problem}`, { cause });
  let metadata: oauth.AuthorizationServer;
  try {
    metadata = await oauth.processDiscoveryResponse(new URL(issuer), response);
  } catch (error) {
    const { code, cause, message } = error as oauth.OperationProcessingError;
    if (code !== oauth.JSON_ATTRIBUTE_COMPARISON) throw fail(`is not valid: ${message}`, error);
    metadata = (cause as { body: oauth.AuthorizationServer }).body; // what this code carries
  }
  // RFC 8414 section 3.3: identical, where the library compares as URLs.
  if (metadata.issuer !== issuer)
    throw fail(`names the issuer "${metadata.issuer}"; use exactly that as the issuer`);
  for (const name of ['authorization_endpoint', 'token_endpoint'] as const) {
    const endpoint = URL.parse(metadata[name] ?? '');
    if (endpoint === null) throw fail(`lacks the ${name}`);
    // The password goes to the one, the code and its verifier to the other.
    if (endpoint.protocol !== 'https:' && !issuer.startsWith('http:'))
      throw fail(`has no TLS at its ${name}: ${endpoint.href}`);
  }
  return metadata as AuthorizationServerMetadata; // Both endpoints were just looked at.
}

/** How oauth4webapi sends: over TLS, unless the issuer that the person named has none. */
function transport(issuer: string, ca: string | undefined) {
  const send = httpClient(ca);
  return {
    [oauth.allowInsecureRequests]: issuer.startsWith('http:'),
    [oauth.customFetch]: async (
      url: string,
      request: oauth.CustomFetchOptions<'GET' | 'POST', URLSearchParams | undefined>,
    ): Promise<Response> => {
      try {
        const { status, headers, body } = await send(url, request);
        return new Response(body || null, { status, headers: [...headers] }); // null: what a 204 must have
      } catch (error) {
        throw connectionError(new URL(url), error);
      }
    },
  };
}

interface Asked {
  readonly metadata: AuthorizationServerMetadata;
  readonly scope: string;
}

/** The library's errors, in words that say what was asked for. */
function flowError(error: unknown, asked: Asked): unknown {
  const refused = (reason: string) =>
    new LoginError('ERR_REFUSED', `the authorization server rejected the request: ${reason}`);
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
    return refused(describeOAuthError(error, asked));
  if (error instanceof oauth.WWWAuthenticateChallengeError) return refused(`status ${error.status}`);
  if (!(error instanceof oauth.OperationProcessingError)) return error;
  const { code, cause, message } = error;
  if (code === oauth.RESPONSE_IS_NOT_CONFORM) return refused(`status ${(cause as Response).status}`); // what it carries
  const { issuer } = asked.metadata;
  const from = (cause as { parameters?: URLSearchParams } | undefined)?.parameters?.get('iss') ?? issuer;
  const detail = from === issuer ? '' : `; it comes from ${from}`;
  return new LoginError('ERR_CALLBACK', `invalid authorization response from ${issuer}: ${message}${detail}`);
}

/** RFC 6749 sections 4.1.2.1 and 5.2. */
function describeOAuthError(
  { error, error_description: description }: { error: string; error_description?: string },
  { metadata, scope }: Asked,
): string {
  const reason = description === undefined ? '' : ` (${description})`;
  if (error !== 'invalid_scope') return `${error}${reason}`;
  const offered = metadata.scopes_supported;
  const offer = offered === undefined ? '' : `; supported: ${offered.join(' ')}`;
  return `${error}${reason}; requested: ${scope}${offer}`;
}
