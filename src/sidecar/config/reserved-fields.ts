// Request fields that no configuration lets clients send to the server: who they are, where they come from, what frames the message.

interface ReservedField {
  /** A regular expression for whole names in lower case, in which `-` also stands for `_`. */
  readonly pattern: string;
  /** Who sets such fields, and whose servers therefore believe them. */
  readonly setBy: string;
}

/**
 * Fields that servers take for the word of a proxy they trust: identity, original address, original URL (RFC 9700 section
 * 4.13); and those that are the sidecar's to read. The rule of `spec.server.forwardHeaders` in the CRD has the same patterns.
 */
const RESERVED_FIELDS: readonly ReservedField[] = [
  // Where a request came from.
  { pattern: 'proxy-.*', setBy: 'forward proxies (RFC 9110 section 11.7)' },
  { pattern: 'via-proxy', setBy: 'forward proxies' },
  { pattern: 'forwarded', setBy: 'proxies that follow RFC 7239' },
  { pattern: 'forwarded-.*', setBy: 'older reverse proxies' },
  { pattern: 'x-forwarded', setBy: 'older reverse proxies' },
  { pattern: 'x-forwarded-.*', setBy: 'nearly every reverse proxy; oauth2-proxy for users and groups' },
  { pattern: 'x-real-ip', setBy: 'nginx, Traefik' },
  {
    pattern:
      'x-client-(ip|addr.*|port|host|proto|geo.*|cert.*|ssl.*|tls.*|dn|s-dn|verify|id|identity|name|user.*|subject.*|issuer.*)',
    setBy: 'load balancers: address, port and certificate of the client',
  },
  { pattern: 'x-cluster-client-ip', setBy: 'Rackspace, Riverbed' },
  { pattern: 'true-client-ip', setBy: 'Akamai, Cloudflare' },
  { pattern: 'cf-connecting-.*', setBy: 'Cloudflare' },
  { pattern: 'fastly-client-ip', setBy: 'Fastly' },
  { pattern: 'fly-client-ip', setBy: 'Fly.io' },
  { pattern: 'x-azure-.*', setBy: 'Azure Front Door' },
  { pattern: 'x-appengine-.*', setBy: 'Google App Engine' },
  { pattern: 'x-originating-ip', setBy: 'mail and web gateways' },
  { pattern: 'x-remote-.*', setBy: 'Kubernetes API aggregation; older reverse proxies' },
  { pattern: 'x-proxyuser-ip', setBy: 'Google front ends' },
  { pattern: 'x-envoy-.*', setBy: 'Envoy and meshes built on it' },
  { pattern: 'x-scheme', setBy: 'ingress-nginx' },
  { pattern: 'x-url-scheme', setBy: 'older reverse proxies' },
  { pattern: 'front-end-https', setBy: 'Microsoft gateways' },
  { pattern: 'x-host', setBy: 'reverse proxies; frameworks that build URLs from it' },
  { pattern: 'x-http-host-override', setBy: 'reverse proxies; frameworks that build URLs from it' },
  // What it asked for before it was changed, or is to be taken for.
  { pattern: 'x-original-.*', setBy: 'IIS URL Rewrite, ingress-nginx' },
  { pattern: 'x-rewrite-.*', setBy: 'IIS, ISAPI_Rewrite' },
  { pattern: 'x-http-method', setBy: 'clients of frameworks with a method override' },
  { pattern: 'x-http-method-override', setBy: 'clients of frameworks with a method override' },
  { pattern: 'x-method-override', setBy: 'clients of frameworks with a method override' },
  { pattern: 'x-middleware-subrequest', setBy: 'Next.js' },
  // Who it comes from.
  { pattern: 'authorization.*', setBy: 'this sidecar, with forwardOriginalToken' },
  { pattern: 'x-authorization.*', setBy: 'gateways that keep the original token' },
  { pattern: 'cookie2?', setBy: 'browsers; gateways with sessions' },
  { pattern: 'x-serverless-authorization', setBy: 'Google Cloud Run' },
  { pattern: 'x-(endpoint|apigateway)-api-.*', setBy: 'Google Cloud Endpoints and API Gateway' },
  {
    pattern: 'x-(subject|sub|principal.*|caller|sso-.*|ldap-.*|kerberos-.*)',
    setBy: 'authenticating proxies',
  },
  { pattern: 'x-(role|scopes?|permissions|claims|token-claims)', setBy: 'authenticating proxies' },
  {
    pattern: 'x-(tenant|tenant-id|account-id|org|org-id|organization.*|customer-id)',
    setBy: 'gateways of many tenants',
  },
  { pattern: 'x-(admin|is-admin|internal.*)', setBy: 'gateways, for requests from inside' },
  { pattern: 'x-hasura-.*', setBy: 'gateways in front of Hasura' },
  { pattern: 'x-amzn-mtls-.*', setBy: 'AWS Application Load Balancer' },
  {
    pattern:
      'x-(kubernetes|teleport|grafana-user|kong|3scale|apigee|shield|netscaler|sandstorm|gitlab-user|shib).*',
    setBy: 'gateways of these products',
  },
  {
    pattern: '(iv|sm|oam|osso|sso|shib|teleport|dapr|l5d)-.*',
    setBy: 'IBM, SiteMinder, Oracle, Shibboleth, Teleport, Dapr, Linkerd',
  },
  {
    pattern: 'x-(istio|dapr|nextjs|middleware|accel|sendfile|arr)-.*',
    setBy: 'meshes, frameworks and proxies, for their own use',
  },
  {
    pattern: 'eppn|displayname|mail|uid|userinfo|from',
    setBy: 'Shibboleth; OpenID Connect modules; old clients',
  },
  { pattern: 'x-auth-.*', setBy: 'oauth2-proxy, ingress-nginx' },
  { pattern: 'x-authenticated-.*', setBy: 'Kong' },
  { pattern: 'x-authentik-.*', setBy: 'authentik' },
  { pattern: 'x-pomerium-.*', setBy: 'Pomerium' },
  { pattern: 'x-vouch-.*', setBy: 'Vouch Proxy' },
  { pattern: 'x-oidc-.*', setBy: 'gateways with OpenID Connect' },
  { pattern: 'x-jwt-.*', setBy: 'gateways that verify JWTs' },
  {
    pattern:
      'x-mcp-(subject|sub|user.*|identity|principal|client.*|group.*|role.*|scope.*|email|tenant.*|issuer|auth.*|session.*)',
    setBy: 'this sidecar, as the examples configure it',
  },
  { pattern: 'x-webauth-.*', setBy: 'authenticating proxies in front of Grafana' },
  { pattern: 'x-user', setBy: 'authenticating proxies' },
  { pattern: 'x-user-.*', setBy: 'authenticating proxies' },
  { pattern: 'x-userid', setBy: 'authenticating proxies' },
  { pattern: 'x-userinfo', setBy: 'Kong, APISIX' },
  { pattern: 'x-username', setBy: 'authenticating proxies' },
  { pattern: 'x-email', setBy: 'authenticating proxies' },
  { pattern: 'x-groups', setBy: 'authenticating proxies' },
  { pattern: 'x-roles', setBy: 'authenticating proxies' },
  { pattern: 'x-identity', setBy: 'authenticating proxies' },
  { pattern: 'x-identity-.*', setBy: 'authenticating proxies' },
  { pattern: 'x-consumer-.*', setBy: 'Kong' },
  { pattern: 'x-credential-.*', setBy: 'Kong' },
  { pattern: 'x-anonymous-consumer', setBy: 'Kong' },
  { pattern: 'x-id-token', setBy: 'gateways with OpenID Connect' },
  { pattern: 'x-access-token', setBy: 'gateways with OpenID Connect' },
  { pattern: 'x-spiffe-.*', setBy: 'meshes with SPIFFE identities' },
  { pattern: 'remote-.*', setBy: 'Authelia; web servers (REMOTE_USER)' },
  { pattern: 'tailscale-.*', setBy: 'Tailscale Serve' },
  { pattern: 'cf-access-.*', setBy: 'Cloudflare Access' },
  { pattern: 'x-amzn-oidc-.*', setBy: 'AWS Application Load Balancer' },
  { pattern: 'x-ms-client-.*', setBy: 'Azure App Service' },
  { pattern: 'x-ms-token-.*', setBy: 'Azure App Service' },
  { pattern: 'x-goog-authenticated-.*', setBy: 'Google Identity-Aware Proxy' },
  { pattern: 'x-goog-iap-.*', setBy: 'Google Identity-Aware Proxy' },
  { pattern: 'impersonate-.*', setBy: 'proxies in front of the Kubernetes API server' },
  // The certificate of a client.
  { pattern: 'ssl-.*', setBy: 'nginx, Apache' },
  { pattern: 'x-ssl-.*', setBy: 'HAProxy, nginx' },
  { pattern: 'x-tls-.*', setBy: 'TLS terminators' },
  { pattern: 'x-client-cert.*', setBy: 'TLS terminators' },
  { pattern: 'client-cert.*', setBy: 'TLS terminators that follow RFC 9440' },
  { pattern: 'x-arr-clientcert', setBy: 'Azure App Service' },
  // What frames or routes the message, and what the sidecar reads and hands on by rules of its own.
  {
    pattern: 'host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|expect',
    setBy: 'HTTP',
  },
  {
    pattern: 'content-length|via|max-forwards|origin|dpop|access-control-.*|sec-.*|set-cookie',
    setBy: 'HTTP, browsers',
  },
  { pattern: 'mcp-.*|last-event-id', setBy: 'MCP' },
];

/** CGI and WSGI fold `_` and `-`: each may stand for the other. In the classes of the patterns themselves no `-` stands. */
export const RESERVED_PATTERN = `^(?:${RESERVED_FIELDS.map(({ pattern }) => pattern).join('|')})$`.replaceAll(
  '-',
  '[-_]',
);
const IS_RESERVED = new RegExp(RESERVED_PATTERN);

/** @param lower a name in lower case; one that ends in `*` stands for all that begin so */
export function isReservedField(lower: string): boolean {
  return IS_RESERVED.test(lower);
}

/**
 * Equal for names that a server could take for one: `X_User` and `X-User` to CGI and WSGI, `X.User` to PHP as well, and to
 * lighttpd whatever stands for the `-`.
 */
export function foldedName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}
