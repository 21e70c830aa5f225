// One row for each CEL rule: change a valid resource, expect the message and its place. And one case for each limit of
// the schema, derived from it. Rules without a row fail the suite.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CrdSchema } from '../../../src/api/crd.ts';
import { POD_PLACEMENT, sidecarConfig } from '../../../src/desired/sidecar-config.ts';
import {
  describeProblem,
  readManifests,
  type Problem,
  type ReadResult,
} from '../../../src/local/manifests/validation.ts';
import { formatPath } from '../../../src/local/manifests/crd-schema.ts';
import { parseConfig } from '../../../src/sidecar/config/config.ts';
import {
  checkServer,
  readCrdSchema,
  readObject,
  sample,
  setField,
  validServer,
} from '../../support/manifests.ts';

interface Row {
  readonly rule: string;
  readonly field: string;
  readonly value: unknown;
  /** The place of the problem, when it is not the field itself. */
  readonly at?: string;
  readonly message: RegExp;
}

const RESOURCE = 'spec.protectedResourceMetadata.resource';
const ISSUERS = 'spec.authentication.issuers';
const INTROSPECTION = 'spec.authentication.issuers[1].introspection.endpoint';
const HEADERS = 'spec.authentication.claimToHeaders';
const ORIGIN = 'spec.network.allowedOrigins[0]';
const METADATA = 'spec.protectedResourceMetadata';
const ASSERTION = 'spec.authentication.identityAssertion';

/** Names that say who the client is or where it comes from, frame the message, or are MCP's. */
const RESERVED = [
  ...[
    'Authorization',
    'AUTHORIZATION',
    'authorization2',
    'X-Authorization',
    'Cookie',
    'Cookie2',
    'Proxy-Authorization',
  ],
  ...[
    'X-Forwarded-For',
    'x_forwarded_for',
    'X-Forwarded-*',
    'X-Forwarded',
    'Forwarded',
    'X-Real-IP',
    'X_Real_IP',
  ],
  ...[
    'Remote-User',
    'REMOTE_USER',
    'Remote-*',
    'X-Remote-User',
    'X-Auth-Request-Email',
    'X-Auth-*',
    'X-User',
    'X-User-Id',
  ],
  ...[
    'X-User-*',
    'X-Email',
    'X-Groups',
    'X-Roles',
    'X-Tenant',
    'X-Tenant-Id',
    'X-Subject',
    'X-Principal-Name',
    'X-Admin',
  ],
  ...[
    'X-MCP-Subject',
    'x_mcp_subject',
    'X-Mcp-User-Id',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method-Override',
  ],
  ...['SSL-Client-Cert', 'X-Client-Cert', 'X-Client-IP', 'Client-Cert', 'True-Client-IP', 'CF-Connecting-IP'],
  ...[
    'Host',
    'Connection',
    'Content-Length',
    'Transfer_Encoding',
    'Upgrade',
    'Expect',
    'TE',
    'Via',
    'Origin',
    'DPoP',
  ],
  ...[
    'Mcp-Session-Id',
    'Mcp-*',
    'Last-Event-ID',
    'Sec-Fetch-Site',
    'Access-Control-Request-Method',
    'Impersonate-User',
  ],
];

const refused: Row[] = [
  ...rows('metadata.name', /DNS label of at most 52 characters/, {
    'a name of 53 characters': 'a'.repeat(53),
    'a name with an upper-case letter': 'Echo',
    'a name that begins with a digit, which a Service refuses': '1echo',
    'a name with a dot': 'echo.server',
  }).map((row) => ({ ...row, at: '' })),

  ...rows('spec.server.port', /8001 or 9001/, { "the sidecar's port": 8001, 'the admin port': 9001 }),
  ...rows('spec.server.path', /plain path that begins with \//, {
    'no slash first': 'mcp',
    'two dots': '/a/../mcp',
    'one dot': '/./mcp',
    'two slashes': '//mcp',
    'two slashes at the end': '/mcp//',
    'a semicolon': '/mcp;a=b',
    'an escape': '/%6dcp',
    'a query': '/mcp?a=b',
    'a fragment': '/mcp#a',
    'a blank': '/mcp server',
    'a backslash': '/mcp\\x',
  }),
  ...rows('spec.server.path', /well-known/, {
    'the metadata path': '/.well-known/oauth-protected-resource/mcp',
  }),
  ...rows('spec.server.forwardHeaders[0]', /must be a header name, such as/, {
    everything: '*',
    'all that begin with X': 'X-*',
    'the same in lower case': 'x-*',
    'a star in the middle': 'X-*-Id',
    'a beginning without a hyphen': 'X-Grafana*',
    'two stars': 'X-Grafana-**',
    'a blank': 'X Id',
    'a colon': 'X-Id:',
    'a line end': 'X-Id\r\nHost',
    'a hyphen first': '-X',
  }),
  ...rows('spec.server.forwardHeaders[0]', /must not be a header that says who the client is/, {
    ...Object.fromEntries(RESERVED.map((name) => [name, name])),
  }),
  {
    rule: 'a header of a claim, in another case',
    field: HEADERS,
    value: [{ claim: 'key', header: 'x-api-KEY' }],
    at: 'spec',
    message: /must not name a header of authentication.claimToHeaders/,
  },
  {
    rule: 'a variable with two values',
    field: 'spec.server.env[0]',
    value: { name: 'A', value: 'b', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
    message: /value or valueFrom, not both/,
  },
  {
    rule: 'a variable given twice',
    field: 'spec.server.env',
    value: [{ name: 'A', value: '1' }, { name: 'B' }, { name: 'A', value: '2' }],
    at: 'spec.server.env[2].name',
    message: /duplicate: entry \[0\]/,
  },
  ...['name', 'instance', 'component', 'managed-by'].map((label) => ({
    rule: `the operator's label ${label}`,
    field: 'spec.podTemplate.labels',
    value: { [`app.kubernetes.io/${label}`]: 'mine' },
    message: /must not set app.kubernetes.io/,
  })),
  {
    rule: "a volume with one of the operator's names",
    field: 'spec.podTemplate.volumes[0].name',
    value: 'protected-mcp-config',
    message: /must not begin with protected-mcp-/,
  },

  ...rows(RESOURCE, /must start with https/, {
    'plain http': 'http://echo.example.com/mcp',
    'no scheme': 'echo.example.com/mcp',
  }),
  ...rows(RESOURCE, /fragment/, {
    'a fragment': 'https://echo.example.com/mcp#x',
    'an empty one': 'https://h/mcp#',
  }),
  ...rows(RESOURCE, /query/, {
    'a query': 'https://echo.example.com/mcp?x=y',
    'an empty one': 'https://h/mcp?',
  }),
  ...rows(RESOURCE, /user info/, { 'user info': 'https://user:pass@echo.example.com/mcp' }),
  ...rows(RESOURCE, /well-formed host/, {
    'no host': 'https:///mcp',
    'a port only': 'https://:8001/mcp',
    'an underscore': 'https://my_host/mcp',
    'a star': 'https://*.example.com/mcp',
    'a hyphen first': 'https://-a.example.com/mcp',
    'two dots': 'https://echo..example.com/mcp',
    'port 0': 'https://echo.example.com:0/mcp',
    'port 65536': 'https://echo.example.com:65536/mcp',
    'an empty port': 'https://echo.example.com:/mcp',
    'half an IPv4 address': 'https://192.0.2/mcp',
    'an octet of 256': 'https://192.0.2.256/mcp',
    'a bare IPv6 address': 'https://2001:db8::1/mcp',
    'a blank': 'https://echo example.com/mcp',
  }),
  ...rows(RESOURCE, /plain path/, {
    'two dots in the path': 'https://echo.example.com/a/../mcp',
    'two slashes in the path': 'https://echo.example.com//mcp',
    'a semicolon in the path': 'https://echo.example.com/mcp;x',
    'an escape in the path': 'https://echo.example.com/%6dcp',
    'one dot in the path': 'https://echo.example.com/./mcp',
  }),
  ...rows(RESOURCE, /well-known/, { 'the metadata path': 'https://echo.example.com/.well-known/x' }),

  ...['spec.protectedResourceMetadata.scopesSupported[0]', 'spec.authorization.requiredScopes[0]'].flatMap(
    (field) => [
      ...rows(field, /scope token \(RFC 6749/, {
        'two scopes in one entry': 'mcp:basic mcp:write',
        'a quotation mark': 'mcp"basic',
        'a backslash': 'mcp\\basic',
        'a letter outside ASCII': 'mcp:grün',
      }),
      ...rows(field, /must not be offline_access/, { offline_access: 'offline_access' }),
    ],
  ),

  ...[`${METADATA}.resourceDocumentation`, `${METADATA}.localized[0].resourceTosUri`].flatMap((field) =>
    rows(field, /must be the URL of a page/, {
      'plain http': 'http://echo.example.com/docs',
      'no address': 'docs',
      'a script': 'javascript:alert(1)',
      'user info': 'https://a:b@echo.example.com/docs',
      'no host': 'https:///docs',
      'a blank': 'https://echo.example.com/my docs',
      'a port too high': 'https://echo.example.com:65536/docs',
    }),
  ),
  {
    rule: 'a language given twice',
    field: `${METADATA}.localized`,
    value: [{ language: 'it' }, { language: 'it' }],
    at: `${METADATA}.localized[1].language`,
    message: /duplicate: entry \[0\]/,
  },
  ...rows(`${ASSERTION}.header`, /must be an HTTP header name/, { 'a blank': 'X Id', 'a colon': 'X-Id:' }),
  ...rows(`${ASSERTION}.header`, /must not be a header that HTTP, MCP or proxies/, {
    'one of HTTP': 'Authorization',
    'one of MCP': 'Mcp-Session-Id',
  }),
  {
    rule: 'one header for a claim and for the assertion',
    field: `${ASSERTION}.header`,
    value: 'x-mcp-subject',
    at: 'spec.authentication',
    message: /must not name the header of identityAssertion/,
  },

  ...rows(ISSUERS, /at least one issuer/, { 'no issuer': [] }),
  {
    rule: 'an issuer given twice',
    field: `${ISSUERS}[1].issuer`,
    value: 'https://keycloak.example.com:8443/realms/my-realm',
    message: /duplicate: entry \[0\]/,
  },
  ...rows(`${ISSUERS}[0].audiences`, /at least one audience/, { 'no audience': [] }),
  {
    rule: 'an audience given twice',
    field: `${ISSUERS}[0].audiences`,
    value: ['a', 'a'],
    at: `${ISSUERS}[0].audiences[1]`,
    message: /duplicate: entry \[0\]/,
  },
  ...rows(`${ISSUERS}[0].issuer`, /must start with https/, {
    'plain http': 'http://keycloak.example.com/realms/r',
    'an upper-case scheme, which iss would have to repeat': 'HTTPS://keycloak.example.com/realms/r',
  }),
  ...rows(`${ISSUERS}[0].issuer`, /fragment/, { 'a fragment': 'https://keycloak.example.com/realms/r#x' }),
  ...rows(`${ISSUERS}[0].issuer`, /query/, { 'a query': 'https://keycloak.example.com/realms/r?x' }),
  ...rows(`${ISSUERS}[0].issuer`, /user info/, { 'user info': 'https://a@keycloak.example.com/realms/r' }),
  ...rows(`${ISSUERS}[0].issuer`, /well-formed URL/, {
    'no host': 'https:///realms/r',
    'a blank': 'https://keycloak.example.com/realms/my realm',
    'a port too high': 'https://keycloak.example.com:99999/realms/r',
  }),
  ...rows(`${ISSUERS}[0].jwks.uri`, /must start with https/, {
    'plain http': 'http://keycloak.example.com/certs',
  }),
  ...rows(`${ISSUERS}[0].jwks.uri`, /fragment/, { 'a fragment': 'https://keycloak.example.com/certs#x' }),
  ...rows(`${ISSUERS}[0].jwks.uri`, /user info/, { 'user info': 'https://a:b@keycloak.example.com/certs' }),
  ...rows(`${ISSUERS}[0].jwks.uri`, /well-formed URL/, { 'an open bracket': 'https://[::1/certs' }),

  ...rows('spec.transport.maxMessageBytes', /.+/, {
    'less than 1024': 1023,
    'more than 64 MiB': 67108865,
    'a fraction': 4096.5,
    'a quantity': '4Mi',
    nothing: 0,
  }),
  ...rows('spec.transport.messageChecks', /.+/, {
    'in other letters': 'enforced',
    'a boolean, as YAML reads off': false,
  }),
  ...rows('spec.transport.unknownSessions', /.+/, { 'another word': 'Trust', nothing: '' }),
  ...rows('spec.transport.eventStreamKeepAlive', /0s, or a duration between 1s and 1h/, {
    'less than 1s': '999ms',
    'more than 1h': '1h1s',
    'no unit': '0',
    'an unknown unit': '1d',
    'less than nothing': '-30s',
  }),
  ...rows('spec.transport.callGrace', /between 0s and 24h/, {
    'more than 24h': '24h1s',
    'less than nothing': '-1s',
    'no unit': '3600',
    'no number': 'h',
    'no duration': 'forever',
  }),
  ...rows('spec.transport.maxStream', /between 1m and 168h/, {
    'less than a minute': '59s',
    'no time': '0s',
    'more than a week': '168h1s',
    'no unit': '28800',
    'an unknown unit': '1d',
  }),
  ...rows('spec.authentication.dpop.proofLifetime', /between 1s and 300s/, {
    'more than 300s': '301s',
    'no time': '0s',
    'less than a second': '999ms',
    'less than nothing': '-60s',
    'no unit': '60',
    nothing: '',
  }),
  ...[
    'spec.authorization.scopeHierarchy[0].scope',
    'spec.authorization.scopeHierarchy[0].includes[0]',
  ].flatMap((field) =>
    rows(field, /scope token \(RFC 6749/, {
      'two scopes in one entry': 'mcp:basic mcp:write',
      'a quotation mark': 'mcp"basic',
      'a backslash': 'mcp\\basic',
      'a letter outside ASCII': 'mcp:grün',
      'a line end': 'mcp\n',
    }),
  ),
  ...rows(INTROSPECTION, /must start with https/, {
    'introspection over plain HTTP': 'http://login.example.org/introspect',
  }),
  ...rows(INTROSPECTION, /fragment/, { 'a fragment': 'https://login.example.org/introspect#x' }),
  ...rows(INTROSPECTION, /user info/, { 'user info': 'https://a:b@login.example.org/introspect' }),
  ...rows(INTROSPECTION, /well-formed URL/, { 'an open bracket': 'https://[::1/introspect' }),
  ...rows('spec.authentication.clockSkew', /between 0s and 300s/, {
    'more than 300s': '301s',
    'more than 300s in minutes': '5m1s',
    'less than 0s': '-1s',
    'no unit': '30',
    'an unknown unit': '1d',
    'no number': 's',
    nothing: '',
  }),

  ...rows(`${HEADERS}[0].header`, /must be an HTTP header name/, {
    'a blank': 'X Mcp',
    'a colon': 'X-Mcp:',
    'a line feed': 'X-Mcp\n',
    'a letter outside ASCII': 'X-Größe',
  }),
  ...[
    'Authorization',
    'HOST',
    'cookie',
    'Connection',
    'Content-Type',
    'Content-Length',
    'Transfer-Encoding',
    'Mcp-Session-Id',
    'MCP-Protocol-Version',
    'X-Forwarded-For',
    'Forwarded',
    'Origin',
    'Proxy-Authorization',
    'Last-Event-ID',
    'Upgrade',
    'TE',
    'Accept',
    'Accept-Encoding',
    'Sec-Fetch-Site',
  ].map((header) => ({
    rule: `the header ${header}`,
    field: `${HEADERS}[0].header`,
    value: header,
    message: /must not be a header that HTTP, MCP or proxies/,
  })),
  {
    rule: 'a header named twice, in different case',
    field: HEADERS,
    value: [
      { claim: 'sub', header: 'X-Mcp-Subject' },
      { claim: 'email', header: 'x-mcp-subject' },
    ],
    message: /each header may be named once/,
  },

  {
    rule: 'two sources of a certificate',
    field: 'spec.tls.secretName',
    value: 'mine',
    at: 'spec.tls',
    message: /not both/,
  },

  ...rows(ORIGIN, /must not hold \*/, { 'every origin': '*', 'every subdomain': 'https://*.example.com' }),
  ...rows(ORIGIN, /scheme:\/\/host/, {
    'a path': 'http://localhost:6274/app',
    'a slash at the end': 'http://localhost:6274/',
    'no scheme': 'localhost:6274',
    'null, which any page can be': 'null',
    'user info': 'http://a@localhost:6274',
    'a bad port': 'http://localhost:70000',
  }),
  ...rows('spec.network.ingressFrom[0]', /either ipBlock, or/, {
    'a peer that says nothing': {},
    'a peer that says both': { ipBlock: { cidr: '192.0.2.0/24' }, podSelector: {} },
  }),
];

function rows(field: string, message: RegExp, values: Record<string, unknown>): Row[] {
  return Object.entries(values).map(([rule, value]) => ({
    rule: `${field}: ${rule}`,
    field,
    value,
    message,
  }));
}

function problemsOf(result: ReadResult): readonly Problem[] {
  return result.ok ? [] : result.problems;
}

/** What the schema and the rules say of the object; that it comes from a file is in `files` below. */
function problemsWith(field: string, value: unknown): string[] {
  const object = sample('full');
  setField(object, field, value);
  return checkServer(object).map(({ path, message }) => `${formatPath(path)}: ${message}`);
}

function assertProblem(problems: readonly string[], path: string, message: RegExp): void {
  const prefix = `${path}: `;
  const found = problems.some((line) => line.startsWith(prefix) && message.test(line.slice(prefix.length)));
  assert.ok(found, `${path} ${message} not in:\n${problems.join('\n') || 'no problem'}`);
}

describe('a broken rule is reported in its place', () => {
  for (const { rule, field, value, at, message } of refused) {
    it(rule, () => assertProblem(problemsWith(field, value), at ?? field, message));
  }

  it('and no rule of the CRD is without a row', () => {
    const untested = [...messages(readCrdSchema())].filter(
      (text) => !refused.some(({ message }) => message.test(text)),
    );
    assert.deepEqual(untested, []);
  });
});

function messages(schema: CrdSchema): string[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
    ...Object.values(schema.properties ?? {}).flatMap(messages),
    ...(schema.items ? messages(schema.items) : []),
    ...(schema.additionalProperties ? messages(schema.additionalProperties) : []),
  ];
}

describe('what is allowed stays allowed', () => {
  const allowed: [rule: string, field: string, value: unknown][] = [
    ['a name of 52 characters', 'metadata.name', 'a'.repeat(52)],
    ['the root as path', 'spec.server.path', '/'],
    ['a slash at the end', 'spec.server.path', '/mcp/'],
    ['a resource without path', RESOURCE, 'https://echo.example.com'],
    ['a resource in mixed case', RESOURCE, 'HTTPS://Echo.Example.COM:443/Mcp'],
    ['a resource by IPv4 address', RESOURCE, 'https://192.0.2.1:8001/mcp'],
    ['a resource by IPv6 address', RESOURCE, 'https://[2001:db8::1]:8001/mcp'],
    ['a resource on localhost', RESOURCE, 'https://localhost:8001/mcp'],
    ['an issuer with a slash at the end', `${ISSUERS}[0].issuer`, 'https://tenant.eu.auth0.com/'],
    ['an issuer with an escape', `${ISSUERS}[0].issuer`, 'https://idp.example.com/my%20realm'],
    ['a key URI with a query', `${ISSUERS}[0].jwks.uri`, 'https://idp.example.com/keys?p=policy'],
    ['no clock skew', 'spec.authentication.clockSkew', '0s'],
    ['a proof lifetime of a second', 'spec.authentication.dpop.proofLifetime', '1s'],
    ['a proof lifetime of 300s', 'spec.authentication.dpop.proofLifetime', '5m'],
    ['a scope that includes itself', 'spec.authorization.scopeHierarchy[0]', { scope: 'a', includes: ['a'] }],
    ['introspection where the metadata says', INTROSPECTION, undefined],
    ['300s in another form', 'spec.authentication.clockSkew', '4m60s'],
    ['no keep-alive', 'spec.transport.eventStreamKeepAlive', '0s'],
    ['a keep-alive of an hour', 'spec.transport.eventStreamKeepAlive', '60m'],
    ['no grace', 'spec.transport.callGrace', '0s'],
    ['a grace of a day', 'spec.transport.callGrace', '24h'],
    ['streams of a minute', 'spec.transport.maxStream', '60s'],
    ['streams of a week', 'spec.transport.maxStream', '168h'],
    ['64 MiB', 'spec.transport.maxMessageBytes', 67108864],
    ['checks off', 'spec.transport.messageChecks', 'Off'],
    ['a header of our own', `${HEADERS}[0].header`, 'X-Mcp-Groups'],
    ['an origin without port', ORIGIN, 'https://app.example.com'],
    ['an origin of an extension', ORIGIN, 'chrome-extension://abcdefghijklmnop'],
    [
      'a page with a fragment',
      `${METADATA}.resourceDocumentation`,
      'https://docs.example.com:8443/x?y=1#auth',
    ],
    ['a page at an address', `${METADATA}.resourceTosUri`, 'https://192.0.2.1'],
    ['a language with region', `${METADATA}.localized[0].language`, 'pt-BR'],
    ['the origin at the root', `${METADATA}.rootDocument`, 'Origin'],
    ['a key of your own to sign with', `${METADATA}.signedMetadata`, { secretRef: { name: 'mine' } }],
    ['no assertion', ASSERTION, undefined],
    ['your own certificate', 'spec.tls', { secretName: 'mine' }],
    ['an empty tls: of comments only', 'spec.tls', null],
    ['a peer by namespace', 'spec.network.ingressFrom[0]', { namespaceSelector: {} }],
    ['any source of a volume', 'spec.podTemplate.volumes[0]', { name: 'scratch', csi: { driver: 'x' } }],
  ];
  for (const [rule, field, value] of allowed) {
    it(`${rule}, and the sidecar takes it too`, () => {
      const object = sample('full');
      setField(object, field, value);
      parseConfig(sidecarConfig(validServer(object), POD_PLACEMENT), rule);
    });
  }
});

describe('a limit of the schema is reported in its place', () => {
  for (const { path, keyword, value, message } of limitCases(
    readCrdSchema().properties?.['spec'] ?? {},
    'spec',
  )) {
    it(`${path}: ${keyword}`, () => assertProblem(problemsWith(path, value), path, message));
  }
});

interface LimitCase {
  readonly path: string;
  readonly keyword: string;
  readonly value: unknown;
  readonly message: RegExp;
}

/** A value that breaks each limit. Entry [0] of each list and the key `a` of each map stand for all. */
function limitCases(schema: CrdSchema, path: string): LimitCase[] {
  const cases: LimitCase[] = [];
  const add = (keyword: string, value: unknown, message: RegExp) =>
    cases.push({ path, keyword, value, message });
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, maxProperties, pattern } = schema;
  if (minimum !== undefined) add('minimum', minimum - 1, /must be at least/);
  if (maximum !== undefined) add('maximum', maximum + 1, /must be at most/);
  if (minLength !== undefined) add('minLength', '', /must not be empty/);
  if (maxLength !== undefined)
    add('maxLength', 'a'.repeat(maxLength + 1), /must have at most \d+ characters/);
  if (minItems !== undefined) add('minItems', [], /must have at least 1 entry/);
  if (maxItems !== undefined) add('maxItems', Array(maxItems + 1).fill('a'), /must have at most \d+ entries/);
  if (maxProperties !== undefined)
    add('maxProperties', manyKeys(maxProperties + 1), /must have at most \d+ entries/);
  if (pattern !== undefined) add('pattern', ' = ', /must match/);
  if (schema.enum) add('enum', 'nothing-like-it', /must be one of/);
  if (schema.type === 'integer') add('type', 'ten', /must be an integer, not a string/);
  if (schema.type === 'integer') add('type', 1.5, /must be an integer/);
  if (schema.type === 'string')
    add('type', 8, /must be a string, not a number; put it in quotes|must be a string/);
  if (schema.type === 'boolean') add('type', 'no', /must be a boolean \(true or false\), not a string/);
  if (schema.type === 'array') add('type', 'a', /must be a list, not a string/);
  if (schema.type === 'object') add('type', [], /must be an object \(fields below it\), not a list/);
  if (schema['x-kubernetes-int-or-string']) add('type', {}, /must be an integer or a string, not an object/);
  for (const name of schema.required ?? []) {
    cases.push({ path: `${path}.${name}`, keyword: 'required', value: undefined, message: /is required/ });
  }
  if (schema.properties && !schema['x-kubernetes-preserve-unknown-fields']) {
    cases.push({
      path: `${path}.zzzzzzzzzzzz`,
      keyword: 'unknown',
      value: 1,
      message: /^unknown field; the fields here are /,
    });
  }
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    cases.push(...limitCases(field, `${path}.${name}`));
  if (schema.items) cases.push(...limitCases(schema.items, `${path}[0]`));
  if (schema.additionalProperties) cases.push(...limitCases(schema.additionalProperties, `${path}.a`));
  return cases;
}

function manyKeys(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'a']));
}

describe('defaults', () => {
  const result = readObject({
    apiVersion: 'protectedmcp.dev/v1alpha1',
    kind: 'ProtectedMcpServer',
    metadata: { name: 'least' },
    spec: {
      server: { image: 'echo' },
      authentication: {
        issuers: [
          { issuer: 'https://idp.example.com', audiences: ['a'], jwks: { caBundleRef: { name: 'ca' } } },
        ],
      },
    },
  });

  const [server] = result.ok ? result.manifests.servers : [];
  assert.ok(server);
  const { spec, metadata } = server;

  it('apply at every level, also below absent parents', () => {
    assert.deepEqual(spec, {
      server: { image: 'echo', port: 8000, path: '/mcp' },
      podTemplate: {},
      protectedResourceMetadata: { rootDocument: 'Alias' },
      authentication: {
        issuers: [
          {
            issuer: 'https://idp.example.com',
            audiences: ['a'],
            audiencePolicy: 'Any',
            algorithms: [
              'RS256',
              'RS384',
              'RS512',
              'PS256',
              'PS384',
              'PS512',
              'ES256',
              'ES384',
              'ES512',
              'EdDSA',
              'Ed25519',
            ],
            tokenProfile: 'Compat',
            jwks: { caBundleRef: { kind: 'ConfigMap', name: 'ca', key: 'ca.crt' } },
          },
        ],
        dpop: { mode: 'Off', proofLifetime: '60s', nonces: 'Off' },
        clientCertificates: { mode: 'Off' },
        clockSkew: '30s',
        claimToHeaders: [],
        forwardOriginalToken: false,
      },
      authorization: {
        requiredScopes: [],
        initialScopes: 'Baseline',
        scopeHierarchy: [],
        stepUpScopes: 'Operation',
      },
      compatibility: { mirrorAuthorizationServerMetadata: false },
      tls: {},
      transport: {
        maxMessageBytes: 4_194_304,
        messageChecks: 'Enforced',
        unknownSessions: 'NotFound',
        eventStreamKeepAlive: '30s',
        callGrace: '1h',
        maxStream: '8h',
      },
      network: { allowedOrigins: [], isolation: 'NetworkPolicy', ingressFrom: [] },
      service: { type: 'ClusterIP' },
      sidecar: { logLevel: 'info' },
    });
  });

  it('include the namespace', () => assert.equal(metadata.namespace, 'default'));
});

describe('files', () => {
  const echo = `apiVersion: protectedmcp.dev/v1alpha1
kind: ProtectedMcpServer
metadata: { name: echo }
spec:
  server: { image: echo }
  authentication:
    issuers: [{ issuer: https://idp.example.com, audiences: [a] }]
`;
  const read = (text: string) => readManifests([{ file: 'a.yaml', text }], checkServer);
  const lines = (text: string) => problemsOf(read(text)).map(describeProblem);

  it('may hold several documents, ConfigMaps and Secrets among them', () => {
    const result = read(
      `# comment only\n---\n${echo}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ca }\ndata: { ca.crt: x }\n` +
        `---\napiVersion: v1\nkind: Secret\nmetadata: { name: keys, namespace: demo }\nstringData: { key: x }\n`,
    );
    assert.ok(result.ok);
    assert.deepEqual(
      Object.values(result.manifests).map((objects: { metadata: unknown }[]) =>
        objects.map(({ metadata }) => metadata),
      ),
      [
        [{ name: 'echo', namespace: 'default' }],
        [{ name: 'ca', namespace: 'default' }],
        [{ name: 'keys', namespace: 'demo' }],
      ],
    );
  });

  it('report every problem of every document with its line', () => {
    assert.deepEqual(
      lines(`${echo.replace('image', 'imge')}---\n${echo.replace('[a]', '[]').replace('echo', 'Echo')}`),
      [
        'a.yaml:5:11: spec.server.image: is required',
        'a.yaml:5:19: spec.server.imge: unknown field; did you mean image?',
        'a.yaml:9:1: metadata.name must be a DNS label of at most 52 characters that begins with a letter: it names the Service and the other objects',
        'a.yaml:15:61: spec.authentication.issuers[0].audiences: name at least one audience; without one, tokens made for other services would be accepted',
      ],
    );
  });

  const cases: [rule: string, text: string, expected: RegExp][] = [
    ['two values in one line', 'a: b: c', /^a\.yaml:1:4: YAML: second "key: value" in one line/],
    ['a tab', 'a:\n\tb: c', /^a\.yaml:2:1: YAML: tab in the indentation/],
    ['a field given twice', `${echo}kind: x`, /^a\.yaml:8:1: YAML: duplicate field/],
    ['an open bracket', 'a: [b', /^a\.yaml:1:6: YAML: /],
    ['an alias without anchor', `${echo}status: *x`, /^a\.yaml:8:9: YAML: |Unresolved alias/],
    ['too many aliases', bomb(), /invalid YAML/],
    ['a list', '- a', /must be an object with apiVersion and kind/],
    ['no kind', 'a: b', /kind: is required; supported kinds: ProtectedMcpServer .*ConfigMap .*Secret/],
    [
      'another kind',
      'apiVersion: apps/v1\nkind: Deployment',
      /"Deployment" is not supported; supported kinds:/,
    ],
    ['a misspelt kind', 'kind: ProtectedMCPServers', /did you mean ProtectedMcpServer\?/],
    ['a kind that every object has as property', 'kind: constructor', /is not supported/],
    ['another version', echo.replace('v1alpha1', 'v1'), /apiVersion: must be protectedmcp.dev\/v1alpha1/],
    ['no name', echo.replace('{ name: echo }', '{}'), /metadata\.name: is required/],
    ['no metadata', echo.replace('metadata: { name: echo }\n', ''), /metadata: is required/],
    [
      'no spec',
      'apiVersion: protectedmcp.dev/v1alpha1\nkind: ProtectedMcpServer\nmetadata: { name: a }',
      /spec: is required/,
    ],
    [
      'a field in the wrong place',
      echo.replace('spec:', 'spec:\n  port: 80'),
      /spec\.port: unknown field here; did you mean spec\.server\.port\?/,
    ],
    ['a wrong case', echo.replace('issuers:', 'Issuers:'), /did you mean issuers\?/],
    ['an enum in the wrong case', `${echo}  service: { type: clusterip }`, /did you mean ClusterIP\?/],
    [
      'a number as data',
      'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\nstringData: { pin: 4711 }',
      /stringData\.pin: must be a string/,
    ],
    ['the same server twice', `${echo}---\n${echo}`, /ProtectedMcpServer default\/echo is defined twice/],
    ['nothing', '', /no ProtectedMcpServer found/],
  ];
  for (const [rule, text, expected] of cases) {
    it(`are refused: ${rule}`, () => {
      const found = lines(text);
      assert.ok(
        found.some((line) => expected.test(line)),
        `${expected} not in:\n${found.join('\n')}`,
      );
      for (const line of found) assert.doesNotMatch(line, /\n|    at /, 'one line, no stack trace');
    });
  }

  it('keep values of Secrets out of the messages', () => {
    assert.doesNotMatch(
      lines('apiVersion: v1\nkind: Secret\nmetadata: {}\ndata: { pin: 4711 }').join(),
      /4711/,
    );
  });
});

/** "Billion laughs": each line holds the one before ten times. */
function bomb(): string {
  const line = (index: number) =>
    `l${index}: &l${index} [${Array(10)
      .fill(`*l${index - 1}`)
      .join(',')}]`;
  return ['l0: &l0 x', ...Array.from({ length: 8 }, (_, index) => line(index + 1))].join('\n');
}
