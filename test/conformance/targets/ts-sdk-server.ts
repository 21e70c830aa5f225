// An MCP server as the SDK's documentation protects it; behind the middleware, a handler that hands on what was accepted.
import {
  createMcpExpressApp,
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
  requireBearerAuth,
  type OAuthTokenVerifier,
} from '@modelcontextprotocol/express';
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import type { RequestHandler } from 'express';
import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Readable } from 'node:stream';
import { IDENTITY } from '../needs.ts';
import type { Setup } from './target.ts';

type Configuration = Omit<Setup, 'certificate'> & { port: number; certificate: string; key: string };

const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Configuration;
const { issuer = '', jwksUri = '' } = setup.issuers[0] ?? {};
const resource = new URL(setup.resource);
const keys = createRemoteJWKSet(new URL(jwksUri));
const strict = setup.profile === 'Strict';

/** All that jose has options for. `maxTokenAge` is none of RFC 9068: it would set a limit that no case configures. */
const OPTIONS: JWTVerifyOptions = {
  issuer,
  audience: [...setup.audiences],
  algorithms: [...setup.algorithms],
  clockTolerance: setup.clockSkewSeconds,
  requiredClaims: strict ? ['exp', 'sub', 'client_id', 'iat', 'jti'] : ['exp', 'sub'],
  ...(strict ? { typ: 'at+jwt' } : {}),
};

const verifier: OAuthTokenVerifier = {
  async verifyAccessToken(token) {
    try {
      const payload = await verified(token);
      const { sub, exp } = payload;
      return {
        token,
        clientId: typeof payload['client_id'] === 'string' ? payload['client_id'] : '',
        scopes: scopesOf(payload),
        ...(exp === undefined ? {} : { expiresAt: exp }),
        extra: { sub },
      };
    } catch (error) {
      if (isOutage(error)) throw error;
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'Invalid token');
    }
  },
};

async function verified(token: string): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, OPTIONS)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    return verifiedByAnyOf(token, error);
  }
}

/** Of several keys of one id, as the documentation of jose has it. */
async function verifiedByAnyOf(token: string, candidates: AsyncIterable<CryptoKey>): Promise<JWTPayload> {
  for await (const key of candidates) {
    try {
      return (await jwtVerify(token, key, OPTIONS)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** Words of `scope`, else of `scp`. */
function scopesOf(payload: JWTPayload): string[] {
  const granted = payload['scope'] ?? payload['scp'];
  if (typeof granted === 'string') return granted.split(' ');
  return Array.isArray(granted) ? granted.filter((value) => typeof value === 'string') : [];
}

/** No keys, which is not the token's fault: `fetch failed` is a TypeError, an answer but 200 jose's plain error. */
function isOutage(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  if (error instanceof errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC';
  return error instanceof TypeError && error.message === 'fetch failed';
}

/** The recording MCP server sees what passed, and from whom, and says the answer. */
const handOn: RequestHandler = async (req, res) => {
  const abort = new AbortController();
  res.on('close', () => abort.abort());
  try {
    const answer = await fetch(setup.upstream, {
      method: req.method,
      headers: {
        'content-type': 'application/json',
        accept: req.headers.accept ?? '*/*',
        [IDENTITY]: encodeURIComponent(String(req.auth?.extra?.['sub'])),
      },
      signal: abort.signal,
      ...(req.method === 'POST' ? { body: JSON.stringify(req.body) } : {}),
    });
    res.status(answer.status).set('Content-Type', answer.headers.get('content-type') ?? 'application/json');
    const { body } = answer;
    if (body === null) res.end();
    else
      Readable.fromWeb(body)
        .on('error', () => res.destroy())
        .pipe(res);
  } catch {
    res.destroy();
  }
};

const hosts = setup.allowedOrigins.map((origin) => new URL(origin).hostname);
const app = createMcpExpressApp({
  host: resource.hostname,
  allowedHosts: [resource.hostname],
  allowedOrigins: hosts,
});
app.disable('x-powered-by');
app.use(
  mcpAuthMetadataRouter({
    oauthMetadata: {
      issuer,
      authorization_endpoint: `${issuer}/protocol/openid-connect/auth`,
      token_endpoint: `${issuer}/protocol/openid-connect/token`,
      response_types_supported: ['code'],
    },
    resourceServerUrl: resource,
    ...(setup.scopesSupported.length > 0 ? { scopesSupported: [...setup.scopesSupported] } : {}),
    ...(setup.resourceName === undefined ? {} : { resourceName: setup.resourceName }),
    ...(setup.resourceDocumentation === undefined
      ? {}
      : { serviceDocumentationUrl: new URL(setup.resourceDocumentation) }),
  }),
);
app.all(
  resource.pathname,
  requireBearerAuth({
    verifier,
    requiredScopes: [...setup.requiredScopes],
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
  }),
  handOn,
);
// The page for other paths is the application's: Express's own repeats the path.
app.use((_, res) => void res.status(404).end());
createServer({ cert: readFileSync(setup.certificate), key: readFileSync(setup.key) }, app).listen(
  setup.port,
  '127.0.0.1',
);
