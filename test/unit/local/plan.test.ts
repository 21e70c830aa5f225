// What local mode would start for a resource and a command line. Nothing is started here.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '../../../src/api/object.ts';
import type { ProtectedMcpServer } from '../../../src/api/protected-mcp-server.gen.ts';
import { parseOptions, type LocalOptions } from '../../../src/local/options.ts';
import { plan, type Plan } from '../../../src/local/plan/plan.ts';
import type { PlanProblem, Result } from '../../../src/local/plan/result.ts';
import { chooseServer } from '../../../src/local/plan/server-choice.ts';
import { parseConfig } from '../../../src/sidecar/config/config.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';

const LOCAL_CA = 'the local CA';
const ISSUER_CA = 'the CA of --ca-file';
const RESOURCE = 'spec.protectedResourceMetadata.resource';
const SCOPES = 'spec.protectedResourceMetadata.scopesSupported';
const ISSUER = 'spec.authentication.issuers[0]';
const REQUIRED = 'spec.authorization.requiredScopes';
const OTHER_ISSUER = ['--issuer', 'https://idp.example.com/realms/a', '--audience', 'weather-api'];

interface Case {
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly configMaps?: readonly Manifest[];
  readonly secrets?: readonly Manifest[];
}

function server(fields: Case['fields'] = {}): ProtectedMcpServer {
  const resource = sample('echo');
  for (const [path, value] of Object.entries(fields)) setField(resource, path, value);
  return validServer(resource);
}

function options(args: readonly string[] = []): LocalOptions {
  const parsed = parseOptions(args);
  assert.ok(parsed.ok);
  return parsed.options;
}

function result({ fields, args = [], configMaps = [], secrets = [] }: Case) {
  const manifests = { servers: [server(fields)], configMaps, secrets };
  const chosen = chooseServer(manifests, options(args));
  assert.ok(chosen.ok);
  const issuerCa = args.includes('--ca-file') ? ISSUER_CA : undefined;
  return plan(chosen.value, {
    manifests,
    options: options(args),
    localCa: LOCAL_CA,
    issuerCa,
    directory: '/run',
  });
}

/** The plan; its sidecar configuration is one that the sidecar takes. */
function planned(given: Case = {}): Plan {
  const planned = result(given);
  assert.ok(planned.ok, planned.ok ? '' : JSON.stringify(planned.problems));
  parseConfig(JSON.parse(JSON.stringify(planned.value.config)), 'planned');
  return planned.value;
}

function problems(given: Case): readonly PlanProblem[] {
  const planned = result(given);
  assert.ok(!planned.ok, 'there is no problem');
  return planned.problems;
}

function object(kind: string, name: string, rest: object): Manifest {
  return { apiVersion: 'v1', kind, metadata: { name }, ...rest };
}

describe('addresses', () => {
  const rows: { name: string; given: Case; port: number; adminPort?: number; resource: string }[] = [
    { name: 'of the sample', given: {}, port: 8001, resource: 'https://localhost:8001/mcp' },
    {
      name: 'the port of the resource where it is on this machine',
      given: { fields: { [RESOURCE]: 'https://127.0.0.1:8005/mcp' } },
      port: 8005,
      resource: 'https://127.0.0.1:8005/mcp',
    },
    {
      name: 'the port of https where the resource has none',
      given: { fields: { [RESOURCE]: 'https://localhost/mcp' } },
      port: 443,
      resource: 'https://localhost/mcp',
    },
    {
      name: 'the usual port where the resource is elsewhere, and the resource as it is',
      given: { fields: { [RESOURCE]: 'https://echo.example.com/mcp' } },
      port: 8001,
      resource: 'https://echo.example.com/mcp',
    },
    {
      name: 'on this machine where the resource says nothing, with the path of the server',
      given: { fields: { [RESOURCE]: undefined, 'spec.server.path': '/tools' } },
      port: 8001,
      resource: 'https://localhost:8001/tools',
    },
    {
      name: '--admin-port',
      given: { args: ['--admin-port', '9100'] },
      port: 8001,
      adminPort: 9100,
      resource: 'https://localhost:8001/mcp',
    },
  ];
  for (const { name, given, port, adminPort = 9001, resource } of rows) {
    it(name, () => {
      const { config } = planned(given);
      assert.deepEqual(config.listen, { host: '127.0.0.1', port });
      assert.deepEqual(config.admin, { host: '127.0.0.1', port: adminPort });
      assert.equal(config.resource, resource);
    });
  }
});

describe('the MCP server', () => {
  const env = { HOST: '127.0.0.1', PORT: '8000' };

  for (const image of [
    'mcp-echo-server',
    'mcp-echo-server:0.1.0',
    'registry.example.com:5000/team/mcp-echo-server:1',
    `mcp-echo-server@sha256:${'a'.repeat(64)}`,
    `mcp-echo-server:1@sha256:${'a'.repeat(64)}`,
  ]) {
    it(`is the echo server for ${image}`, () => {
      assert.deepEqual(planned({ fields: { 'spec.server.image': image } }).process, { kind: 'echo', env });
    });
  }

  for (const image of [
    'my-mcp-echo-server:1',
    'mcp-echo-server-2:1',
    'mcp-echo-server/other:1',
    'example.com/weather:1',
  ]) {
    it(`cannot be run from the image ${image}`, () => {
      const [problem, ...others] = problems({ fields: { 'spec.server.image': image } });
      assert.deepEqual(others, []);
      assert.equal(problem?.path, 'spec.server.image');
      assert.match(problem.message, /--upstream.*spec\.server\.command/);
    });
  }

  it('is the command with its arguments, whatever the image', () => {
    const fields = {
      'spec.server.image': 'example.com/weather:1',
      'spec.server.command': ['uv', 'run'],
      'spec.server.args': ['server.py'],
    };
    assert.deepEqual(planned({ fields }).process, {
      kind: 'command',
      command: ['uv', 'run', 'server.py'],
      env,
    });
  });

  it('is reached on loopback, on its port and path', () => {
    const fields = { 'spec.server.port': 3000, 'spec.server.path': '/tools' };
    const { upstream, config, process } = planned({ fields });
    assert.deepEqual(upstream, { url: 'http://127.0.0.1:3000/tools', port: 3000 });
    assert.equal(config.upstream.url, upstream.url);
    assert.equal(process?.env['PORT'], '3000');
  });

  it('is not started with --upstream, which says where it is', () => {
    const { upstream, process, config } = planned({
      fields: { 'spec.server.image': 'example.com/weather:1' },
      args: ['--upstream', 'http://127.0.0.1:3000/tools'],
    });
    assert.equal(process, undefined);
    assert.deepEqual(upstream, { url: 'http://127.0.0.1:3000/tools', port: 3000 });
    assert.equal(config.resource, 'https://localhost:8001/mcp');
  });

  for (const url of ['http://[::1]:3000/mcp', 'http://localhost:3000/mcp']) {
    it(`is reached where --upstream says: ${url}`, () => {
      const { upstream, config } = planned({ args: ['--upstream', url] });
      assert.equal(upstream.url, url);
      assert.equal(parseConfig(config, 'plan').upstream.url, url);
    });
  }
});

describe('the environment of the MCP server', () => {
  const settings = object('ConfigMap', 'settings', { data: { region: 'north' } });
  const keys = object('Secret', 'keys', {
    data: { encoded: Buffer.from('k-1').toString('base64') },
    stringData: { plain: 'k-2' },
  });
  const rows: { name: string; variable: Record<string, unknown>; value: string | undefined }[] = [
    { name: 'a value', variable: { value: 'a' }, value: 'a' },
    { name: 'no value', variable: {}, value: '' },
    {
      name: 'a ConfigMap',
      variable: { valueFrom: { configMapKeyRef: { name: 'settings', key: 'region' } } },
      value: 'north',
    },
    {
      name: 'a Secret',
      variable: { valueFrom: { secretKeyRef: { name: 'keys', key: 'encoded' } } },
      value: 'k-1',
    },
    {
      name: 'a Secret in plain text',
      variable: { valueFrom: { secretKeyRef: { name: 'keys', key: 'plain' } } },
      value: 'k-2',
    },
    {
      name: 'an optional ConfigMap that is not there',
      variable: { valueFrom: { configMapKeyRef: { name: 'other', key: 'region', optional: true } } },
      value: undefined,
    },
    {
      name: 'an optional key that is not there',
      variable: { valueFrom: { secretKeyRef: { name: 'keys', key: 'other', optional: true } } },
      value: undefined,
    },
  ];
  for (const { name, variable, value } of rows) {
    it(`takes ${name}`, () => {
      const fields = { 'spec.server.env': [{ name: 'A', ...variable }] };
      assert.equal(planned({ fields, configMaps: [settings], secrets: [keys] }).process?.env['A'], value);
    });
  }

  it('lets the resource say HOST and PORT otherwise', () => {
    const fields = { 'spec.server.env': [{ name: 'PORT', value: '1' }] };
    assert.equal(planned({ fields }).process?.env['PORT'], '1');
  });

  for (const [name, valueFrom] of Object.entries({
    'a ConfigMap that is not there': { configMapKeyRef: { name: 'other', key: 'region' } },
    'a key that is not there': { configMapKeyRef: { name: 'settings', key: 'other' } },
    'a Secret of the name of a ConfigMap': { secretKeyRef: { name: 'settings', key: 'region' } },
    'a field of the pod': { fieldRef: { fieldPath: 'metadata.name' } },
  })) {
    it(`names the variable that needs ${name}, by its place in the resource`, () => {
      const fields = {
        'spec.server.env': [
          { name: 'A', value: 'a' },
          { name: 'B', valueFrom },
        ],
      };
      const [problem, ...others] = problems({ fields, configMaps: [settings], secrets: [keys] });
      assert.deepEqual(others, []);
      assert.equal(problem?.path, 'spec.server.env[1].valueFrom');
      assert.match(problem.message, /^"B" /);
    });
  }
});

describe('the authorization server', () => {
  const rows: { name: string; given: Case; is: Plan['authorizationServer'] }[] = [
    {
      name: 'plays the issuer of the sample',
      given: {},
      is: {
        port: 8443,
        realm: 'my-realm',
        audiences: { 'echo-mcp-server': 'echo-mcp-server' },
        scopes: ['echo-mcp-server'],
      },
    },
    {
      name: 'takes port and realm from the issuer',
      given: { fields: { [`${ISSUER}.issuer`]: 'https://localhost/realms/other' } },
      is: {
        port: 443,
        realm: 'other',
        audiences: { 'echo-mcp-server': 'echo-mcp-server' },
        scopes: ['echo-mcp-server'],
      },
    },
    {
      name: 'gives the audience with each scope that clients ask for, where none is named like it',
      given: {
        fields: { [`${ISSUER}.audiences`]: ['weather-api', 'b'], [SCOPES]: ['read'], [REQUIRED]: ['write'] },
      },
      is: {
        port: 8443,
        realm: 'my-realm',
        audiences: { 'weather-api': 'weather-api', b: 'b', read: 'weather-api', write: 'weather-api' },
        scopes: ['read', 'write'],
      },
    },
    {
      name: 'is not started for an issuer elsewhere',
      given: { fields: { [`${ISSUER}.issuer`]: 'https://idp.example.com/realms/my-realm' } },
      is: undefined,
    },
    {
      name: "is not started for an issuer on this machine that has not Keycloak's path",
      given: { fields: { [`${ISSUER}.issuer`]: 'https://localhost:8443/oauth' } },
      is: undefined,
    },
    { name: 'is not started with --issuer', given: { args: OTHER_ISSUER }, is: undefined },
    {
      name: 'is not started with --issuer on this machine either: it runs already',
      given: { args: ['--issuer', 'https://localhost:8443/realms/my-realm', '--audience', 'a'] },
      is: undefined,
    },
  ];
  for (const { name, given, is } of rows) {
    it(name, () => assert.deepEqual(planned(given).authorizationServer, is));
  }
});

describe('the issuer', () => {
  it('is the one of --issuer, with its audience, and nothing of where the other had its keys', () => {
    const fields = {
      [`${ISSUER}.jwks`]: {
        uri: 'https://keys.example.com/',
        caBundleRef: { kind: 'ConfigMap', name: 'idp-ca', key: 'ca.crt' },
      },
      [`${ISSUER}.tokenProfile`]: 'Strict',
    };
    const { config, files } = planned({ fields, args: OTHER_ISSUER });
    assert.equal(config.issuers.length, 1);
    const { issuer, audiences, tokenProfile, jwks } = config.issuers[0]!;
    assert.deepEqual(
      { issuer, audiences, tokenProfile, jwks },
      {
        issuer: 'https://idp.example.com/realms/a',
        audiences: ['weather-api'],
        tokenProfile: 'Strict',
        jwks: {},
      },
    );
    assert.equal(files.size, 0);
  });

  it('of --issuer replaces the scopes of the resource, which belong to the other', () => {
    assert.deepEqual(planned({ args: OTHER_ISSUER }).config.metadata.scopesSupported, []);
    const args = [...OTHER_ISSUER, '--scope', 'a', '--scope', 'b'];
    assert.deepEqual(planned({ args }).config.metadata.scopesSupported, ['a', 'b']);
  });

  const idpCa = object('ConfigMap', 'idp-ca', { data: { 'ca.crt': 'the CA of the resource' } });
  const secretCa = object('Secret', 'idp-ca', {
    data: { 'ca.crt': Buffer.from('the CA in a Secret').toString('base64') },
  });
  const elsewhere = { [`${ISSUER}.issuer`]: 'https://idp.example.com/realms/my-realm' };
  const bundle = (kind: string) => ({
    [`${ISSUER}.jwks.caBundleRef`]: { kind, name: 'idp-ca', key: 'ca.crt' },
  });
  const rows: { name: string; given: Case; trusts: string | undefined }[] = [
    { name: 'the local CA for the issuer that it plays', given: {}, trusts: LOCAL_CA },
    { name: 'the system for an issuer elsewhere', given: { fields: elsewhere }, trusts: undefined },
    { name: 'the system for --issuer', given: { args: OTHER_ISSUER }, trusts: undefined },
    {
      name: '--ca-file for --issuer',
      given: { args: [...OTHER_ISSUER, '--ca-file', 'ca.pem'] },
      trusts: ISSUER_CA,
    },
    {
      name: 'the ConfigMap of the resource',
      given: { fields: { ...elsewhere, ...bundle('ConfigMap') }, configMaps: [idpCa], secrets: [secretCa] },
      trusts: 'the CA of the resource',
    },
    {
      name: 'the Secret of the resource',
      given: { fields: { ...elsewhere, ...bundle('Secret') }, configMaps: [idpCa], secrets: [secretCa] },
      trusts: 'the CA in a Secret',
    },
  ];
  for (const { name, given, trusts } of rows) {
    it(`is trusted by ${name}`, () => {
      const { config, files } = planned(given);
      const { caFile } = config.issuers[0]!.jwks;
      assert.equal(caFile === undefined ? undefined : files.get(caFile), trusts);
      if (caFile !== undefined) assert.equal(caFile, '/run/ca/0/ca.crt');
    });
  }

  it('of two, has a bundle of its own', () => {
    const second = {
      issuer: 'https://idp.example.com',
      audiences: ['a'],
      jwks: { caBundleRef: { kind: 'ConfigMap', name: 'idp-ca', key: 'ca.crt' } },
    };
    const { files } = planned({
      fields: { 'spec.authentication.issuers[1]': second },
      configMaps: [idpCa],
    });
    assert.deepEqual(Object.fromEntries(files), {
      '/run/ca/0/ca.crt': LOCAL_CA,
      '/run/ca/1/ca.crt': 'the CA of the resource',
    });
  });
});

describe('the credentials for introspection', () => {
  const introspection = { [`${ISSUER}.introspection`]: { clientSecretRef: { name: 'me' } } };
  const secret = (stringData: object) => object('Secret', 'me', { stringData });

  it('come from the Secret, and are written where the sidecar reads them', () => {
    const secrets = [secret({ client_id: 'mcp', client_secret: 's' })];
    const { config, files } = planned({ fields: introspection, secrets });
    const { clientIdFile, clientSecretFile } = config.issuers[0]!.introspection!;
    assert.deepEqual(Object.fromEntries(files), {
      '/run/ca/0/ca.crt': LOCAL_CA,
      [clientIdFile]: 'mcp',
      [clientSecretFile]: 's',
    });
    assert.equal(clientIdFile, '/run/introspection/0/client_id');
  });

  for (const [name, secrets] of [
    ['no Secret', []],
    [
      'a Secret of another name',
      [object('Secret', 'you', { stringData: { client_id: 'a', client_secret: 'b' } })],
    ],
    ['a Secret without client_id', [secret({ client_secret: 's' })]],
    ['a Secret without client_secret', [secret({ client_id: 'mcp' })]],
    ['a Secret with other keys', [secret({ id: 'mcp', secret: 's' })]],
  ] as const) {
    it(`${name}: a problem that says what to add`, () => {
      const [problem] = problems({ fields: introspection, secrets });
      assert.equal(problem?.path, `${ISSUER}.introspection.clientSecretRef`);
      assert.match(problem.message, /add the Secret "me" with client_id and client_secret/);
    });
  }

  it('are shown to no other issuer that the command line names', () => {
    const { config, files } = planned({ fields: introspection, args: OTHER_ISSUER });
    assert.equal(config.issuers[0]?.introspection, undefined);
    assert.equal(files.size, 0);
  });
});

describe('the certificate', () => {
  it('is for localhost, the host of the resource, and the names in a cluster', () => {
    const { certificate } = planned({ fields: { [RESOURCE]: 'https://echo.example.com/mcp' } });
    assert.ok('dnsNames' in certificate);
    assert.deepEqual(certificate.dnsNames.slice(0, 2), ['echo.example.com', 'localhost']);
    assert.ok(certificate.dnsNames.includes('echo.default.svc'));
  });

  for (const host of ['127.0.0.1', '[::1]']) {
    it(`names no address such as ${host} among the names`, () => {
      const { certificate } = planned({ fields: { [RESOURCE]: `https://${host}:8001/mcp` } });
      assert.ok('dnsNames' in certificate);
      assert.equal(certificate.dnsNames[0], 'localhost');
    });
  }

  const fields = { 'spec.tls.secretName': 'echo-tls' };
  it('is that of the Secret, decoded', () => {
    const data = {
      'tls.crt': Buffer.from('cert').toString('base64'),
      'tls.key': Buffer.from('key').toString('base64'),
    };
    const { certificate } = planned({ fields, secrets: [object('Secret', 'echo-tls', { data })] });
    assert.deepEqual(certificate, { given: { certificate: 'cert', key: 'key' } });
  });

  for (const [name, secrets] of Object.entries({
    'no Secret': [],
    'a Secret of another name': [
      object('Secret', 'other', { stringData: { 'tls.crt': 'c', 'tls.key': 'k' } }),
    ],
    'a Secret without a key': [object('Secret', 'echo-tls', { stringData: { 'tls.crt': 'c' } })],
  })) {
    it(`cannot be had from ${name}`, () => {
      assert.deepEqual(
        problems({ fields, secrets }).map(({ path }) => path),
        ['spec.tls.secretName'],
      );
    });
  }
});

describe('keys to sign with', () => {
  const fields = {
    'spec.protectedResourceMetadata.signedMetadata': { secretRef: { name: 'metadata-key', key: 'tls.key' } },
    'spec.authentication.identityAssertion': { secretRef: { name: 'identity-key', key: 'my.key' } },
  };
  const secrets = [
    object('Secret', 'metadata-key', { stringData: { 'tls.key': 'a key' } }),
    object('Secret', 'identity-key', { data: { 'my.key': Buffer.from('another key').toString('base64') } }),
  ];

  it('are written where the sidecar looks for them', () => {
    const { config, files } = planned({ fields, secrets });
    assert.deepEqual(Object.fromEntries(files), {
      '/run/ca/0/ca.crt': LOCAL_CA,
      [config.metadata.signingKeyFile ?? '']: 'a key',
      [config.identityAssertion?.keyFile ?? '']: 'another key',
    });
  });

  it('are none where none are wanted', () =>
    assert.deepEqual([...planned({ secrets }).files.keys()], ['/run/ca/0/ca.crt']));

  for (const [name, given] of Object.entries({
    'no Secret': [],
    'a Secret without the key': [object('Secret', 'metadata-key', { stringData: { other: 'x' } })],
    'a Secret of another name': [object('Secret', 'other', { stringData: { 'tls.key': 'x' } })],
  })) {
    it(`cannot be had from ${name}`, () => {
      assert.deepEqual(
        problems({ fields, secrets: [...given, ...secrets.slice(1)] }).map(({ path }) => path),
        ['spec.protectedResourceMetadata.signedMetadata.secretRef'],
      );
    });
  }
});

describe('problems and notes', () => {
  it('all problems are told at once', () => {
    const fields = {
      'spec.server.image': 'example.com/weather:1',
      'spec.tls.secretName': 'echo-tls',
      [`${ISSUER}.jwks.caBundleRef`]: { kind: 'Secret', name: 'idp-ca', key: 'ca.crt' },
    };
    assert.deepEqual(
      problems({ fields })
        .map(({ path }) => path)
        .toSorted(),
      [`${ISSUER}.jwks.caBundleRef`, 'spec.server.image', 'spec.tls.secretName'],
    );
  });

  it('there is no note for the sample', () => assert.deepEqual(planned().notes, []));

  it('what needs a cluster is named', () => {
    const fields = { 'spec.replicas': 2, 'spec.podTemplate.labels': { a: 'b' }, 'spec.sidecar.image': 'x:1' };
    assert.deepEqual(planned({ fields }).notes, [
      'ignored without a cluster: spec.replicas, spec.podTemplate, spec.sidecar.image',
    ]);
  });

  it('the resource that was read is not changed', () => {
    const read = server({ [RESOURCE]: undefined });
    const before = structuredClone(read);
    const manifests = { servers: [read], configMaps: [], secrets: [] };
    const chosen = chooseServer(manifests, options(OTHER_ISSUER));
    assert.ok(chosen.ok);
    plan(chosen.value, {
      manifests,
      options: options(OTHER_ISSUER),
      localCa: LOCAL_CA,
      issuerCa: undefined,
      directory: '/run',
    });
    assert.deepEqual(read, before);
  });
});

describe('which server', () => {
  const servers = [server(), server({ 'metadata.name': 'weather' })];
  const choose = (args: readonly string[], among = servers) =>
    chooseServer({ servers: among, configMaps: [], secrets: [] }, options(args));

  const nameOf = (result: Result<ProtectedMcpServer>) => result.ok && result.value.metadata.name;

  it('is the only one', () => assert.equal(nameOf(choose([], servers.slice(0, 1))), 'echo'));
  it('is the one of --name', () => assert.equal(nameOf(choose(['--name', 'weather'])), 'weather'));
  it('has to be said where there are several', () => {
    const message = 'several ProtectedMcpServers found; choose one with --name: echo, weather';
    assert.deepEqual(choose([]), { ok: false, problems: [{ path: '', message }] });
  });
  it('must be there', () => {
    const message = 'no ProtectedMcpServer named "other"; found: echo, weather';
    const problems = [{ path: '--name', message }];
    assert.deepEqual(choose(['--name', 'other']), { ok: false, problems });
  });
});
