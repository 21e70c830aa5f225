// The chart of the realm Job: its objects as whole files, what the program makes of its configuration, and wrong values.
// `UPDATE_GOLDEN=1` rewrites the files.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import type { JsonObject } from '../../src/api/object.ts';
import { EXIT_CODES } from '../../src/realm/failure.ts';
import { parseConfig } from '../../src/realm/config.ts';
import { parseOptions } from '../../src/realm/options.ts';
import { KUBE_VERSION, REALM_CHART, runHelm } from '../../scripts/chart-helm.ts';
import { REALM_MANIFEST, realmManifest } from '../../scripts/chart-install.ts';
import { at, helms, ofKind, render as renderChart } from './render.ts';

const directory = join(import.meta.dirname, 'keycloak-realm');
const update = process.env['UPDATE_GOLDEN'] === '1';
const cases = readdirSync(directory)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.replace('.in.yaml', ''));

const render = (values: string, helm = helms[0]) => renderChart(values, helm, REALM_CHART);
const valuesOf = (name: string) => readFileSync(join(directory, `${name}.in.yaml`), 'utf8');
const development = readFileSync(join(REALM_CHART, 'values-development.yaml'), 'utf8');

for (const helm of helms)
  for (const name of cases)
    describe(`${name}, helm ${helm.version}`, () => {
      it('gives the objects of its golden file', () => {
        const file = join(directory, `${name}.out.yaml`);
        const text = render(valuesOf(name), helm)
          .map((object) => stringify(object, { version: '1.1', lineWidth: 0, singleQuote: true }))
          .join('---\n');
        if (update && helm === helms[0]) writeFileSync(file, text);
        assert.equal(text, readFileSync(file, 'utf8'), 'UPDATE_GOLDEN=1 rewrites the file');
      });

      it('passes helm lint --strict', () => {
        const flags = ['--strict', '--kube-version', KUBE_VERSION, '--values', '-'];
        runHelm(helm.path, ['lint', REALM_CHART, ...flags], valuesOf(name));
      });
    });

for (const [name, values] of [
  ...cases.map((name) => [name, valuesOf(name)] as const),
  ['development', development],
] as const)
  describe(name, () => {
    const objects = render(values);
    const [job] = ofKind(objects, 'Job');
    const pod = at(job, 'spec', 'template', 'spec');
    const container = at(pod, 'containers', 0);

    it('has a configuration that the program accepts, and a command line', () => {
      const [configMap] = ofKind(objects, 'ConfigMap');
      const config = parseConfig(String(at(configMap, 'data', 'config.yaml')), 'config.yaml');
      const options = parseOptions(at(container, 'args') as string[]);
      assert.ok(options.ok);
      const { realm, dryRun, users } = parse(values) as {
        realm?: string;
        dryRun?: boolean;
        users?: object[];
      };
      assert.equal(config.realm, realm ?? 'my-realm');
      assert.equal(config.users.length, users?.length ?? 0);
      assert.equal(options.options.dryRun, dryRun ?? false);
    });

    it('mounts every file that the configuration names, and the configuration', () => {
      const [configMap] = ofKind(objects, 'ConfigMap');
      const text = String(at(configMap, 'data', 'config.yaml'));
      const named = [...text.matchAll(/\w+File: (\S+)/g)].map(([, file]) => file ?? '');
      assert.deepEqual(
        ['/etc/keycloak-realm/config/config.yaml', ...named].toSorted(),
        mountedFiles(pod).toSorted(),
      );
    });

    it('has a pod that passes restricted, without a token of the API server', () => {
      assert.equal(at(pod, 'automountServiceAccountToken'), false);
      assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true);
      assert.equal(at(pod, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault');
      assert.deepEqual(at(container, 'securityContext'), {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) assert.equal(at(pod, field), undefined);
      const [account] = ofKind(objects, 'ServiceAccount');
      assert.equal(account?.['automountServiceAccountToken'], false);
    });

    it('holds no Secret and no password', () => {
      assert.deepEqual(ofKind(objects, 'Secret'), []);
      assert.doesNotMatch(JSON.stringify(at(container, 'args')), /password|secret/i);
    });

    it('tries again only where that can help', () => {
      const { ERR_CONFIG, ERR_CREDENTIALS, ERR_PERMISSION } = EXIT_CODES;
      assert.deepEqual(at(job, 'spec', 'podFailurePolicy', 'rules', 0, 'onExitCodes', 'values'), [
        ERR_CONFIG,
        ERR_CREDENTIALS,
        ERR_PERMISSION,
      ]);
    });

    it('is a hook that replaces the Job of the last time', () => {
      assert.deepEqual(job?.metadata.annotations, {
        'helm.sh/hook': 'post-install,post-upgrade',
        'helm.sh/hook-delete-policy': 'before-hook-creation',
      });
    });
  });

describe(REALM_MANIFEST, () => {
  const text = readFileSync(join(import.meta.dirname, '../..', REALM_MANIFEST), 'utf8');

  for (const helm of helms)
    it(`is what helm ${helm.version} makes of the chart`, async () => {
      assert.equal(text, await realmManifest(helm), 'npm run generate:manifests');
    });

  it('does not look like an installation by helm', () => {
    assert.doesNotMatch(text, /helm\.sh\/|managed-by: Helm/);
  });
});

it('the chart has the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  const chart = parse(readFileSync(join(REALM_CHART, 'Chart.yaml'), 'utf8')) as JsonObject;
  const listed = at(chart, 'annotations', 'artifacthub.io/images');
  assert.deepEqual([chart['version'], chart['appVersion']], [version, version]);
  assert.deepEqual(parse(String(listed)), [{ name: 'realm', image: `keycloak-realm:${version}` }]);
});

const refused: readonly { rule: string; values: string; message: RegExp }[] = [
  { rule: 'no URL', values: 'keycloak: { url: "" }', message: /keycloak\.url is not set/ },
  {
    rule: 'no Secret',
    values: 'keycloak: { admin: { existingSecret: "" } }',
    message: /keycloak\.admin\.existingSecret is not set/,
  },
  {
    rule: 'a URL without TLS',
    values: 'keycloak: { url: "http://keycloak:8080" }',
    message: /at '\/keycloak\/url': .* does not match pattern/,
  },
  {
    rule: 'a password among the values',
    values: 'keycloak: { admin: { password: secret } }',
    message: /at '\/keycloak\/admin': additional properties 'password' not allowed/,
  },
  {
    rule: 'a password of a user among the values',
    values: 'users: [{ username: ann, password: secret }]',
    message: /additional properties 'password' not allowed/,
  },
  {
    rule: 'an unknown grant',
    values: 'keycloak: { admin: { grant: Token } }',
    message: /at '\/keycloak\/admin\/grant': value must be one of 'Password', 'ClientCredentials'/,
  },
  { rule: 'no audience', values: 'audiences: []', message: /at '\/audiences': minItems: got 0, want 1/ },
  {
    rule: 'a scope without an audience',
    values: 'audiences: [{ scope: a }]',
    message: /missing property 'audience'/,
  },
  {
    rule: 'an unknown type of scope',
    values: 'audiences: [{ scope: a, audience: b, type: Required }]',
    message: /at '\/audiences\/0\/type': value must be one of 'Optional', 'Default'/,
  },
  {
    rule: 'a client without a redirect URI',
    values: 'clients: [{ clientId: a, redirectUris: [] }]',
    message: /at '\/clients\/0\/redirectUris': minItems: got 0, want 1/,
  },
  {
    rule: 'an unknown value',
    values: 'realmName: x',
    message: /additional properties 'realmName' not allowed/,
  },
];

for (const helm of helms)
  describe(`helm ${helm.version} refuses`, () => {
    for (const { rule, values, message } of refused)
      it(rule, () => {
        const all = stringify(merged(parse(valuesOf('least')) as JsonObject, parse(values) as JsonObject));
        assert.throws(() => render(all, helm), { message });
      });
  });

/** The second over the first, as helm puts values together. */
function merged(first: JsonObject, second: JsonObject): JsonObject {
  const isMap = (value: unknown): value is JsonObject =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries(second).map(([key, value]) => {
    const below = first[key];
    return [key, isMap(below) && isMap(value) ? merged(below, value) : value];
  });
  return { ...first, ...(Object.fromEntries(entries) as JsonObject) };
}

/** The files of all volumes, where the container sees them. */
function mountedFiles(pod: unknown): string[] {
  const volumes = at(pod, 'volumes') as JsonObject[];
  const mounts = at(pod, 'containers', 0, 'volumeMounts') as JsonObject[];
  return volumes.flatMap((volume) => {
    const mount = mounts.find(({ name }) => name === volume['name']);
    return paths(volume).map((path) => `${String(mount?.['mountPath'])}/${path}`);
  });
}

function paths(volume: JsonObject): string[] {
  const sources = (at(volume, 'projected', 'sources') ?? [volume]) as JsonObject[];
  return sources.flatMap((source) => {
    const items = at(source, 'secret', 'items') ?? at(source, 'configMap', 'items');
    return items === undefined ? ['config.yaml'] : (items as { path: string }[]).map(({ path }) => path);
  });
}
