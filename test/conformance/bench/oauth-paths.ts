// Where authorization servers, OAuth proxies and OAuth clients have their endpoints. A resource server has none of them.

/** MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery". */
export const DEFAULT_ENDPOINTS = ['/authorize', '/token', '/register'];

export const OTHER_ENDPOINTS = [
  '/oauth/authorize',
  '/oauth/token',
  '/oauth/register',
  '/oauth2/authorize',
  '/oauth2/token',
  '/revoke',
  '/introspect',
  '/callback',
  '/oauth/callback',
  '/auth/callback',
  '/consent',
  '/login',
  '/.well-known/openid-configuration',
  '/.well-known/jwks.json',
  // A copy of the authorization server's metadata is for F1 to check.
];
