// How oidc-provider is set up to answer as a Keycloak realm does. Sockets, paths and the login form are elsewhere.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import Provider, {
  errors,
  interactionPolicy,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { Logger } from '../../base/log.ts';
import { signAccessToken, verifyAccessToken, type Audiences, type TokenType } from './access-token.ts';
import { errorPage, loggedOutPage, logoutPage, PAGE_HEADERS } from './login-page.ts';
import { memoryAdapter, type MemoryStore } from './memory-adapter.ts';
import { CLAIMS_BY_SCOPE, findBySubject, userClaims, type RealmUser } from './realm-user.ts';
import type { RealmKey } from './realm-key.ts';

export const ROUTES = {
  authorization: '/protocol/openid-connect/auth',
  token: '/protocol/openid-connect/token',
  jwks: '/protocol/openid-connect/certs',
  userinfo: '/protocol/openid-connect/userinfo',
  end_session: '/protocol/openid-connect/logout',
  revocation: '/protocol/openid-connect/revoke',
  introspection: '/protocol/openid-connect/token/introspect',
  registration: '/clients-registrations/openid-connect',
} as const;

/** Not one of oidc-provider's: where the login form is. */
export const LOGIN_ROUTE = '/login-actions/authenticate';

const HOUR = 3600;

interface ProviderSettings {
  issuer: string;
  /** The newest first: it signs; the others are published for tokens that are still out. */
  keys: readonly RealmKey[];
  store: MemoryStore;
  cookieKeys: string[];
  users: readonly RealmUser[];
  scopes: readonly string[];
  audiences: Audiences;
  tokenType: TokenType;
  tokenLifetime: number;
  client: { id: string; redirectUris: readonly string[] };
  logger: Logger | undefined;
}

export function createProvider(settings: ProviderSettings): Provider {
  const provider = new Provider(settings.issuer, configuration(settings));
  // oidc-provider's own access tokens are opaque; this makes the JWT of them on the way out, and back on the way in.
  provider.use(async (ctx, next) => {
    if (ctx.path === ROUTES.userinfo) await acceptJwt(ctx.req, settings);
    await next();
    if (ctx.path === ROUTES.token && ctx.method === 'POST')
      await issueJwt(ctx as KoaContextWithOIDC, settings);
  });
  const report = (err: Error) => settings.logger?.error({ err: err.message }, 'authorization server failed');
  provider.on('server_error', (_ctx, err) => report(err));
  // Koa's own event, which the types leave out; without a listener Koa prints to the console.
  (provider as EventEmitter).on('error', report);
  return provider;
}

function configuration(settings: ProviderSettings): Configuration {
  const realmPath = new URL(settings.issuer).pathname;
  return {
    adapter: memoryAdapter(settings.store),
    jwks: { keys: settings.keys.map(({ jwk }) => jwk) },
    cookies: { keys: settings.cookieKeys },
    routes: ROUTES,
    scopes: [...settings.scopes],
    claims: { openid: ['sub'], profile: [...CLAIMS_BY_SCOPE.profile], email: [...CLAIMS_BY_SCOPE.email] },
    conformIdTokenClaims: false, // Keycloak puts the profile into the ID token as well.
    clients: [realmClient(settings.client)],
    // RFC 8252 section 7.3: the loopback port of a native client varies; `native` is what permits that.
    clientDefaults: { application_type: 'native' },
    // RFC 7591 section 2: a registered `scope` would also limit later requests; Keycloak does not do that.
    extraClientMetadata: {
      properties: ['scope'],
      validator: (_ctx, _key, _value, metadata) => void delete metadata['scope'],
    },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    clientBasedCORS: () => true,
    pkce: { required: () => true },
    responseTypes: ['code'],
    extraParams: { scope: refuseUnknownScopes(settings.scopes) },
    interactions: {
      policy: loginWithoutConsent(),
      url: (_ctx, interaction) => `${realmPath}${LOGIN_ROUTE}/${interaction.uid}`,
    },
    loadExistingGrant: grantWhatIsAsked,
    findAccount: (_ctx, sub) => {
      const user = findBySubject(settings.users, sub);
      return user && { accountId: sub, claims: () => ({ sub, ...userClaims(user) }) };
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: settings.tokenLifetime,
      AuthorizationCode: 60,
      IdToken: settings.tokenLifetime,
      Interaction: HOUR / 2,
      RefreshToken: 24 * HOUR,
      Session: 10 * HOUR,
      Grant: 30 * 24 * HOUR,
    },
    features: features(),
    renderError: (ctx, out) => sendPage(ctx, errorPage(out.error_description ?? out.error)),
  };
}

function features(): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    registration: { enabled: true, initialAccessToken: false, issueRegistrationAccessToken: false },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    introspection: { enabled: true, allowedPolicy: () => true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => sendPage(ctx, logoutPage(form)),
      postLogoutSuccessSource: (ctx) => sendPage(ctx, loggedOutPage()),
    },
    // RFC 8707: MCP clients always send `resource`; like Keycloak without features, accept and ignore it.
    resourceIndicators: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
  };
}

function realmClient({ id, redirectUris }: ProviderSettings['client']) {
  return {
    client_id: id,
    client_name: id,
    application_type: 'native' as const,
    token_endpoint_auth_method: 'none' as const,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code' as const],
    redirect_uris: [...redirectUris],
  };
}

/** Development only: every client gets the scopes that it requests, without consent. */
function loginWithoutConsent() {
  const policy = interactionPolicy.base();
  policy.get('consent')?.checks.clear();
  return policy;
}

async function grantWhatIsAsked(ctx: KoaContextWithOIDC) {
  const { provider, session, client, account, params } = ctx.oidc;
  if (!session || !client || !account) return undefined;
  const grantId = session.grantIdFor(client.clientId);
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant = known ?? new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  if (typeof params?.['scope'] === 'string') grant.addOIDCScope(params['scope']);
  await grant.save();
  return grant;
}

/** RFC 6749 section 4.1.2.1: Keycloak answers `invalid_scope`, where oidc-provider would drop the scope silently. */
function refuseUnknownScopes(scopes: readonly string[]) {
  return (ctx: KoaContextWithOIDC) => {
    const asked = typeof ctx.query['scope'] === 'string' ? ctx.query['scope'].split(' ') : [];
    const unknown = asked.filter((scope) => scope !== '' && !scopes.includes(scope));
    if (unknown.length > 0)
      throw new errors.InvalidScope(`Invalid scopes: ${unknown.join(' ')}`, unknown.join(' '));
  };
}

async function issueJwt(ctx: KoaContextWithOIDC, settings: ProviderSettings): Promise<void> {
  const token = ctx.oidc.entities.AccessToken;
  const body = ctx.body as { access_token?: string } | undefined;
  const user = token && findBySubject(settings.users, token.accountId);
  const [key] = settings.keys;
  if (!token || !user || !key || body?.access_token !== token.jti) return;
  const grant = {
    id: token.jti,
    clientId: token.clientId ?? '',
    subject: token.accountId,
    user,
    scope: token.scope ?? '',
    lifetime: settings.tokenLifetime,
    jkt: token.jkt,
  };
  const { issuer, audiences, tokenType: type } = settings;
  body.access_token = await signAccessToken(grant, { issuer, audiences, type, key });
}

/** The userinfo endpoint knows tokens by their `jti`, and only if it has seen them issued. */
async function acceptJwt(request: IncomingMessage, settings: ProviderSettings): Promise<void> {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined) return;
  const id = await verifyAccessToken(token, settings.issuer, settings.keys);
  if (id !== undefined) request.headers.authorization = `Bearer ${id}`;
}

function sendPage(ctx: KoaContextWithOIDC, html: string): void {
  ctx.set(PAGE_HEADERS);
  ctx.body = html;
}
