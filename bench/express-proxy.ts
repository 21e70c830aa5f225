// What one builds by hand: Express, the MCP SDK's bearer middleware, jose for the tokens, http-proxy-middleware behind.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { requireBearerAuth } from '@modelcontextprotocol/express';
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { Listening } from './messages.ts';

const [certificateFile = '', keyFile = '', upstreamPort = '', issuer = '', audience = '', jwksUri = ''] =
  process.argv.slice(2);

const keySet = createRemoteJWKSet(new URL(jwksUri));

async function verifyAccessToken(token: string) {
  try {
    const { payload } = await jwtVerify(token, keySet, { issuer, audience, algorithms: ['RS256'] });
    return {
      token,
      clientId: String(payload['azp']),
      scopes: String(payload['scope']).split(' '),
      ...(payload.exp === undefined ? {} : { expiresAt: payload.exp }),
    };
  } catch (cause) {
    throw new OAuthError(OAuthErrorCode.InvalidToken, (cause as Error).message);
  }
}

const app = express();
app.disable('x-powered-by');
app.use(
  '/mcp',
  requireBearerAuth({
    verifier: { verifyAccessToken },
    requiredScopes: ['mcp:basic'],
    resourceMetadataUrl: 'https://localhost:8001/.well-known/oauth-protected-resource/mcp',
  }),
  createProxyMiddleware({
    target: `http://127.0.0.1:${upstreamPort}/mcp`,
    xfwd: true,
    agent: new Agent({ keepAlive: true }),
  }),
);

const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile), ALPNProtocols: ['http/1.1'] };
// Express's types call the handler's promise misused; Express itself answers its failures.
const server = createServer(
  { ...tls, keepAliveTimeout: 75_000, noDelay: true },
  (req, res) => void app(req, res),
);

server.listen(0, '127.0.0.1', () => {
  const message: Listening = { kind: 'listening', port: (server.address() as AddressInfo).port };
  process.send?.(message);
});
