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
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Readable } from 'node:stream';
import type { Setup } from './target.ts';

type Configuration = Omit<Setup, 'certificate'> & { port: number; certificate: string; key: string };

const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Configuration;
const { issuer = '', jwksUri = '' } = setup.issuers[0] ?? {};
const resource = new URL(setup.resource);
const keys = createRemoteJWKSet(new URL(jwksUri));

const verifier: OAuthTokenVerifier = {
  async verifyAccessToken(token) {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: [...setup.audiences],
        algorithms: [...setup.algorithms],
        clockTolerance: setup.clockSkewSeconds,
      });
      return {
        token,
        clientId: typeof payload['client_id'] === 'string' ? payload['client_id'] : '',
        scopes: typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : [],
        ...(payload.exp === undefined ? {} : { expiresAt: payload.exp }),
      };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'Invalid token');
    }
  },
};

/** The recording MCP server sees what passed, and says the answer. */
const handOn: RequestHandler = async (req, res) => {
  const abort = new AbortController();
  res.on('close', () => abort.abort());
  try {
    const answer = await fetch(setup.upstream, {
      method: req.method,
      headers: { 'content-type': 'application/json', accept: req.headers.accept ?? '*/*' },
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
app.use(
  mcpAuthMetadataRouter({
    oauthMetadata: {
      issuer,
      authorization_endpoint: `${issuer}/protocol/openid-connect/auth`,
      token_endpoint: `${issuer}/protocol/openid-connect/token`,
      response_types_supported: ['code'],
    },
    resourceServerUrl: resource,
    scopesSupported: [...setup.scopesSupported],
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
createServer({ cert: readFileSync(setup.certificate), key: readFileSync(setup.key) }, app).listen(
  setup.port,
  '127.0.0.1',
);
