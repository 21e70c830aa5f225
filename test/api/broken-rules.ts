// For each CEL rule of the CRD, one field that breaks it and the message that the API server must answer with.

export interface BrokenRule {
  readonly field: string;
  readonly value: unknown;
  readonly message: RegExp;
}

const RESOURCE = 'spec.protectedResourceMetadata.resource';
const ISSUER = 'spec.authentication.issuers[0].issuer';
const JWKS = 'spec.authentication.issuers[0].jwks.uri';
const INTROSPECTION = 'spec.authentication.issuers[1].introspection.endpoint';
const HEADERS = 'spec.authentication.claimToHeaders';
const ORIGIN = 'spec.network.allowedOrigins[0]';
const METADATA = 'spec.protectedResourceMetadata';
const ASSERTION = 'spec.authentication.identityAssertion';
const KEEP_ALIVE = 'spec.transport.eventStreamKeepAlive';

/** A key that is longer than any of Kubernetes. */
const LONG_KEY = { [`example.com/${'k'.repeat(306)}`]: '1' };

/** So many of the longest values. */
function annotations(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`a.com/${n}`, 'x'.repeat(16_000)]));
}

const rows: readonly [field: string, value: unknown, message: RegExp][] = [
  ['metadata.name', 'a'.repeat(53), /DNS label of at most 52 characters/],
  ['metadata.name', '1echo', /DNS label of at most 52 characters/],
  ['spec.server.port', 8001, /must not be 8001 or 9001/],
  ['spec.server.path', '/a/../mcp', /must be a plain path that begins with/],
  ['spec.server.path', '/%6dcp', /must be a plain path that begins with/],
  ['spec.server.path', '/.well-known/x', /must not be below \/.well-known\//],
  ['spec.server.forwardHeaders', ['X-*'], /must be a header name, such as/],
  ['spec.server.forwardHeaders', ['x_forwarded_for'], /must not be a header that says who the client is/],
  [
    'spec.server.forwardHeaders',
    ['X-Tenant-Name'],
    /must not name a header of authentication.claimToHeaders/,
  ],
  [
    'spec.server.env[0]',
    { name: 'A', value: 'b', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
    /not both/,
  ],
  ['spec.server.args', Array.from({ length: 17 }, () => 'x'.repeat(16_000)), /at most 256 KiB in all/],
  [
    'spec.server.env',
    Array.from({ length: 9 }, (_, index) => ({ name: `A${index}`, value: 'x'.repeat(32_000) })),
    /at most 256 KiB in names and values/,
  ],
  ['spec.podTemplate.annotations', annotations(17), /at most 255 KiB in all/],
  ['spec.service.annotations', annotations(17), /at most 255 KiB in all/],
  ['spec.podTemplate.annotations', LONG_KEY, /keys must have at most 317/],
  ['spec.service.annotations', LONG_KEY, /keys must have at most 317/],
  ['spec.podTemplate.labels', LONG_KEY, /keys must have at most 317/],
  ['spec.podTemplate.nodeSelector', LONG_KEY, /keys must have at most 317/],
  ['spec.server.resources.limits', LONG_KEY, /keys must have at most 317/],
  ['spec.server.resources.requests', LONG_KEY, /keys must have at most 317/],
  ['spec.sidecar.resources.limits', LONG_KEY, /keys must have at most 317/],
  ['spec.sidecar.resources.requests', LONG_KEY, /keys must have at most 317/],
  ['spec.network.ingressFrom[0].podSelector.matchLabels', LONG_KEY, /keys must have at most 317/],
  ['spec.network.ingressFrom[0].namespaceSelector.matchLabels', LONG_KEY, /keys must have at most 317/],
  ['spec.podTemplate.labels', { 'app.kubernetes.io/name': 'mine' }, /must not set app.kubernetes.io/],
  ['spec.podTemplate.volumes[0].name', 'protected-mcp-config', /must not begin with protected-mcp-/],
  ['spec.server.volumeMounts[0].name', 'protected-mcp-tls', /hold the sidecar's keys and configuration/],
  [RESOURCE, 'http://echo.example.com/mcp', /must start with https.*RFC 9728/],
  [RESOURCE, 'https://echo.example.com/mcp#x', /must not have a fragment \(RFC 9728/],
  [RESOURCE, 'https://echo.example.com/mcp?x=y', /must not have a query \(RFC 9728/],
  [RESOURCE, 'https://user:pass@echo.example.com/mcp', /must not hold user info/],
  [RESOURCE, 'https://*.example.com/mcp', /well-formed host and port/],
  [RESOURCE, 'https://[1:2]/mcp', /well-formed host and port/],
  [RESOURCE, 'https://[::ffff:192.0.2.1]/mcp', /well-formed host and port/],
  [RESOURCE, 'https://[1::2::3]:8001', /well-formed host and port/],
  [RESOURCE, 'https://echo.example.com:65536/mcp', /well-formed host and port/],
  [RESOURCE, 'https://echo.example.com//mcp', /must have a plain path/],
  [RESOURCE, 'https://echo.example.com/.well-known/x', /must not be below \/.well-known\//],
  [`${METADATA}.resourceDocumentation`, 'http://echo.example.com/docs', /must be the URL of a page/],
  [`${METADATA}.resourcePolicyUri`, 'https://a@echo.example.com/policy', /must be the URL of a page/],
  [`${METADATA}.resourceTosUri`, 'javascript:alert(1)', /must be the URL of a page/],
  [`${METADATA}.localized[0].resourceDocumentation`, 'https://', /must be the URL of a page/],
  [`${METADATA}.localized[0].resourcePolicyUri`, 'https://h:99999/', /must be the URL of a page/],
  [`${METADATA}.localized[0].resourceTosUri`, 'https://h/a b', /must be the URL of a page/],
  ['spec.protectedResourceMetadata.scopesSupported[0]', 'a b', /must be a scope token/],
  ['spec.protectedResourceMetadata.scopesSupported[0]', 'offline_access', /must not be offline_access/],
  ['spec.authorization.requiredScopes[0]', 'a"b', /must be a scope token/],
  ['spec.authorization.requiredScopes[0]', 'offline_access', /must not be offline_access/],
  ['spec.authentication.issuers', [], /name at least one issuer/],
  [ISSUER, 'HTTPS://keycloak.example.com/realms/r', /must start with https.*RFC 8414/],
  [ISSUER, 'https://keycloak.example.com/realms/r#x', /must not have a fragment \(RFC 8414/],
  [ISSUER, 'https://keycloak.example.com/realms/r?x', /must not have a query \(RFC 8414/],
  [ISSUER, 'https://a@keycloak.example.com/realms/r', /must not hold user info/],
  [ISSUER, 'https://[1:2:3:4:5:6:7:8:9]/realms/r', /must be a well-formed URL.*realms/],
  [ISSUER, 'https:///realms/r', /must be a well-formed URL.*realms/],
  ['spec.authentication.issuers[0].audiences', [], /name at least one audience/],
  [JWKS, 'http://keycloak.example.com/certs', /keys that come over plain HTTP/],
  [JWKS, 'https://keycloak.example.com/certs#x', /must not have a fragment; remove/],
  [JWKS, 'https://a:b@keycloak.example.com/certs', /must not hold user info/],
  [JWKS, 'https://[.]/certs', /must be a well-formed URL.*certs/],
  [JWKS, 'https://[::1/certs', /must be a well-formed URL.*certs/],
  [INTROSPECTION, 'https://[12345::]/introspect', /must be a well-formed URL.*introspect/],
  [INTROSPECTION, 'http://login.example.org/introspect', /must start with https:\/\/; tokens and our secret/],
  [INTROSPECTION, 'https://login.example.org/introspect#x', /must not have a fragment; remove/],
  [INTROSPECTION, 'https://a:b@login.example.org/introspect', /must not hold user info/],
  [INTROSPECTION, 'https://login example.org', /must be a well-formed URL.*introspect/],
  [
    'spec.authentication.issuers[0].introspection',
    { clientSecretRef: { name: 'other' } },
    /at most one issuer may have introspection/,
  ],
  ['spec.authentication.dpop.proofLifetime', '301s', /must be a duration between 1s and 300s/],
  ['spec.authentication.dpop.proofLifetime', '0s', /must be a duration between 1s and 300s/],
  ['spec.authentication.dpop.proofLifetime', '60', /must be a duration between 1s and 300s/],
  ['spec.authorization.scopeHierarchy[0].scope', 'a b', /must be a scope token/],
  ['spec.authorization.scopeHierarchy[0].includes[0]', 'a"b', /must be a scope token/],
  ['spec.authentication.clockSkew', '301s', /must be a duration between 0s and 300s/],
  ['spec.authentication.clockSkew', '30', /must be a duration between 0s and 300s/],
  [`${HEADERS}[0].header`, 'X Mcp', /must be an HTTP header name/],
  [`${HEADERS}[0].header`, 'AUTHORIZATION', /must not be a header that HTTP, MCP or proxies/],
  [
    HEADERS,
    [
      { claim: 'sub', header: 'X-Mcp-Subject' },
      { claim: 'email', header: 'x-mcp-subject' },
    ],
    /each header may be named once/,
  ],
  [`${ASSERTION}.header`, 'X Mcp', /must be an HTTP header name/],
  [`${ASSERTION}.header`, 'Authorization', /must not be a header that HTTP, MCP or proxies/],
  [`${ASSERTION}.header`, 'x-mcp-subject', /must not name the header of identityAssertion/],
  ['spec.tls.secretName', 'mine', /give secretName .* or issuerRef .*, not both/],
  [ORIGIN, 'https://*.example.com', /must not hold \*/],
  [ORIGIN, 'http://[1:2]:6274', /must be scheme:\/\/host/],
  [ORIGIN, 'http://localhost:6274/', /must be scheme:\/\/host/],
  [KEEP_ALIVE, '500ms', /must be 0s, or a duration between 1s and 1h/],
  [KEEP_ALIVE, '61m', /must be 0s, or a duration between 1s and 1h/],
  [KEEP_ALIVE, '30', /must be 0s, or a duration between 1s and 1h/],
  ['spec.transport.callGrace', '25h', /must be a duration between 0s and 24h/],
  ['spec.transport.callGrace', '-1s', /must be a duration between 0s and 24h/],
  ['spec.transport.maxStream', '59s', /must be a duration between 1m and 168h/],
  ['spec.transport.maxStream', '169h', /must be a duration between 1m and 168h/],
  ['spec.network.ingressFrom[0]', {}, /give either ipBlock/],
];

export const brokenRules: readonly BrokenRule[] = rows.map(([field, value, message]) => ({
  field,
  value,
  message,
}));
