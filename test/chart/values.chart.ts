// Wrong values are refused before anything is installed, with a message that names the value.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { helms, render } from './render.ts';

const refused: readonly { rule: string; values: string; message: RegExp }[] = [
  {
    rule: 'an unknown value, such as a misspelt one',
    values: 'replicas: 2',
    message: /additional properties 'replicas' not allowed/,
  },
  {
    rule: 'an unknown value deeper down',
    values: 'image: { name: operator }',
    message: /at '\/image': additional properties 'name' not allowed/,
  },
  {
    rule: 'a word for a number',
    values: 'replicaCount: two',
    message: /at '\/replicaCount': got string, want integer/,
  },
  {
    rule: 'a tag that YAML reads as a number',
    values: 'image: { tag: 1.2 }',
    message: /at '\/image\/tag': got number, want string/,
  },
  {
    rule: 'a digest that is none',
    values: 'sidecar: { image: { digest: sha256:abc } }',
    message: /at '\/sidecar\/image\/digest': 'sha256:abc' does not match pattern/,
  },
  {
    rule: 'a repository with a tag in it',
    values: 'image: { repository: "operator:1" }',
    message: /at '\/image\/repository': 'operator:1' does not match pattern/,
  },
  {
    rule: 'a level of pod security by its name in Kubernetes',
    values: 'podSecurity: privileged',
    message: /at '\/podSecurity': value must be one of 'restricted', 'baseline', 'unrestricted'/,
  },
  {
    rule: 'a type of Service that is none of ours',
    values: 'services: { types: [ExternalName] }',
    message: /at '\/services\/types\/0': value must be one of/,
  },
  {
    rule: 'no type of Service at all',
    values: 'services: { types: [] }',
    message: /at '\/services\/types': minItems: got 0, want 1/,
  },
  {
    rule: 'a pattern of annotations with * at its beginning',
    values: 'services: { annotations: ["*/hostname"] }',
    message: /at '\/services\/annotations\/0': '\*\/hostname' does not match pattern/,
  },
  {
    rule: 'a peer of the admin port that would be everyone',
    values: 'sidecar: { adminIngressFrom: [{}] }',
    message: /at '\/sidecar\/adminIngressFrom\/0': minProperties: got 0, want 1/,
  },
  {
    rule: 'an unknown log level',
    values: 'logLevel: verbose',
    message: /at '\/logLevel': value must be one of 'debug', 'info', 'warn', 'error'/,
  },
  { rule: 'no workers', values: 'workers: 0', message: /at '\/workers': minimum: got 0, want 1/ },
  {
    rule: 'one namespace as a word',
    values: 'watchNamespaces: team-a',
    message: /at '\/watchNamespaces': got string, want array/,
  },
  {
    rule: 'a namespace that cannot exist',
    values: 'watchNamespaces: [Team_A]',
    message: /at '\/watchNamespaces\/0': 'Team_A' does not match pattern/,
  },
  {
    rule: 'a namespace twice',
    values: 'watchNamespaces: [a, a]',
    message: /at '\/watchNamespaces': items at 0 and 1 are equal/,
  },
  {
    rule: 'pull secrets as words',
    values: 'imagePullSecrets: [registry]',
    message: /at '\/imagePullSecrets\/0': got string, want object/,
  },
  {
    rule: 'a label that is not a string',
    values: 'podLabels: { enabled: true }',
    message: /at '\/podLabels\/enabled': got boolean, want string/,
  },
  {
    rule: 'an environment variable that is not a string',
    values: 'extraEnv: [{ name: A, value: 1 }]',
    message: /at '\/extraEnv\/0\/value': got number, want string/,
  },
  {
    rule: 'an environment variable of the chart',
    values: 'extraEnv: [{ name: LOG_LEVEL, value: debug }]',
    message: /extraEnv: LOG_LEVEL is set by the chart/,
  },
  {
    rule: 'an environment variable twice',
    values: 'extraEnv: [{ name: A, value: "1" }, { name: A, value: "2" }]',
    message: /extraEnv: A is duplicated/,
  },
  {
    rule: 'two operators without leader election',
    values: 'replicaCount: 2\nleaderElection: { enabled: false }',
    message: /replicaCount is 2 or more, but leaderElection\.enabled is false/,
  },
  {
    rule: 'a probe of another kind',
    values: 'livenessProbe: { exec: { command: ["true"] } }',
    message: /at '\/livenessProbe': additional properties 'exec' not allowed/,
  },
  {
    rule: 'a budget that is neither number nor percentage',
    values: 'podDisruptionBudget: { maxUnavailable: half }',
    message: /at '\/podDisruptionBudget\/maxUnavailable': 'half' does not match pattern/,
  },
  ...(
    [
      ['0', /at '\/sidecar\/rollout\/maxConcurrent': minimum: got 0, want 1/],
      ['-1', /maxConcurrent': minimum/],
      ['1.5', /maxConcurrent': got number, want integer or string/],
      ['"0%"', /maxConcurrent': '0%' does not match pattern/],
      ['"101%"', /maxConcurrent': '101%' does not match pattern/],
      ['"5"', /maxConcurrent': '5' does not match pattern/],
      ['half', /maxConcurrent': 'half' does not match pattern/],
      ['[]', /maxConcurrent': got array/],
    ] as const
  ).map(([value, message]) => ({
    rule: `servers that change at once: ${value}`,
    values: `sidecar: { rollout: { maxConcurrent: ${value} } }`,
    message,
  })),
  {
    rule: 'a host without its namespace',
    values: 'tls: { hosts: [mcp.example.com] }',
    message: /at '\/tls\/hosts\/0': got string, want object/,
  },
  {
    rule: 'every host',
    values: 'tls: { hosts: [{ namespace: demo, hosts: ["*"] }] }',
    message: /at '\/tls\/hosts\/0\/hosts\/0': '\*' does not match pattern/,
  },
  {
    rule: 'a URL for a host',
    values: 'tls: { hosts: [{ namespace: demo, hosts: ["https://mcp.example.com"] }] }',
    message: /does not match pattern/,
  },
  {
    rule: 'an overlap of nothing',
    values: 'tls: { rotationOverlap: "" }',
    message: /at '\/tls\/rotationOverlap': '' does not match pattern/,
  },
  {
    rule: 'a test of a server without TLS',
    values: 'test: { url: "http://echo.demo.svc:8001/mcp" }',
    message: /at '\/test\/url': .* does not match pattern/,
  },
];

for (const helm of helms)
  describe(`helm ${helm.version} refuses`, () => {
    for (const { rule, values, message } of refused)
      it(rule, () => assert.throws(() => render(values, helm), { message }));
  });

describe('accepted', () => {
  for (const [rule, values] of [
    ['what Helm and parent charts pass to a dependency', 'global: { any: thing }\nenabled: true'],
    ['no operator at all, for maintenance', 'replicaCount: 0'],
    ['a user that the platform chooses', 'podSecurityContext: { runAsUser: null, runAsGroup: null }'],
  ] as const)
    it(rule, () => assert.ok(render(values)));
});
