// What the chart permits: enough for the operator, and nothing that a reviewer would have to ask about.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '../../src/api/object.ts';
import { desired } from '../../src/desired/index.ts';
import { sample, validServer } from '../support/manifests.ts';
import { RELEASE_NAMESPACE, at, cases, ofKind, render, valuesOf } from './render.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

function rules(role: Manifest | undefined): Rule[] {
  return (role?.['rules'] ?? []) as Rule[];
}

function allows(role: Manifest | undefined, group: string, resource: string, verb: string): boolean {
  return rules(role).some(
    ({ apiGroups, resources, verbs }) =>
      apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb),
  );
}

/** Roles for where ProtectedMcpServers live, cluster-wide or not. */
function serverRoles(objects: readonly Manifest[]): Manifest[] {
  return ofKind(objects, 'ClusterRole', 'Role').filter(({ metadata }) => metadata.name.endsWith('-servers'));
}

for (const name of cases) {
  describe(name, () => {
    const objects = render(valuesOf(name));
    const roles = ofKind(objects, 'ClusterRole', 'Role');

    it('has no wildcard', () => {
      for (const { apiGroups, resources, verbs } of roles.flatMap(rules))
        assert.ok(![...apiGroups, ...resources, ...verbs].some((word) => word.includes('*')));
    });

    // A patch reads, too: by its answer, or by the message that refuses it.
    it("reads no Secrets but those of the operator's namespace", () => {
      for (const role of roles.filter(({ metadata }) => metadata.namespace !== RELEASE_NAMESPACE))
        for (const verb of ['get', 'list', 'watch', 'delete', 'deletecollection', 'patch'])
          assert.ok(!allows(role, '', 'secrets', verb), `${role.metadata.name}: ${verb}`);
    });

    it('cannot extend its own permissions or act for others', () => {
      const words = roles.flatMap(rules).flatMap(({ resources, verbs }) => [...resources, ...verbs]);
      for (const word of [
        'escalate',
        'bind',
        'impersonate',
        'roles',
        'clusterroles',
        'serviceaccounts/token',
      ])
        assert.ok(!words.includes(word), word);
      assert.ok(!words.includes('pods/exec') && !words.includes('nodes'));
    });

    it('states one need a line, in alphabetical order', () => {
      for (const role of roles) {
        const lines = rules(role).map(
          ({ apiGroups, resources }) => `${apiGroups.join()}/${resources.join()}`,
        );
        assert.deepEqual(lines, lines.toSorted(), role.metadata.name);
        assert.ok(rules(role).every(({ apiGroups, resources }) => apiGroups.length + resources.length === 2));
      }
    });

    it('binds every role of the operator to the identity of its pods, in the same place', () => {
      const [deployment] = ofKind(objects, 'Deployment');
      const account = at(deployment, 'spec', 'template', 'spec', 'serviceAccountName');
      const bindings = ofKind(objects, 'ClusterRoleBinding', 'RoleBinding');
      const own = roles.filter(({ metadata }) => !/-(admin|edit|view)$/.test(metadata.name));
      assert.deepEqual(
        bindings.map(({ kind, metadata, roleRef }) => [kind, metadata.namespace, at(roleRef, 'name')]),
        own.map(({ kind, metadata }) => [`${kind}Binding`, metadata.namespace, metadata.name]),
      );
      for (const binding of bindings)
        assert.deepEqual(binding['subjects'], [
          { kind: 'ServiceAccount', name: account, namespace: RELEASE_NAMESPACE },
        ]);
    });
  });
}

describe('the policy for the operator’s account', () => {
  for (const name of cases)
    it(`names the account of its pods, and is bound: ${name}`, () => {
      const objects = render(valuesOf(name));
      const [policy] = ofKind(objects, 'ValidatingAdmissionPolicy');
      const [binding] = ofKind(objects, 'ValidatingAdmissionPolicyBinding');
      const [pods] = ofKind(objects, 'Deployment');
      const account = at(pods, 'spec', 'template', 'spec', 'serviceAccountName');
      assert.equal(
        at(policy, 'spec', 'matchConditions', 0, 'expression'),
        `request.userInfo.username == 'system:serviceaccount:${RELEASE_NAMESPACE}:${String(account)}'`,
      );
      assert.equal(at(policy, 'spec', 'failurePolicy'), 'Fail');
      assert.equal(at(binding, 'spec', 'policyName'), policy?.metadata.name);
      assert.deepEqual(at(binding, 'spec', 'validationActions'), ['Deny']);
    });

  for (const [level, isBound] of [
    ['restricted', true],
    ['baseline', true],
    ['unrestricted', false],
  ] as const)
    it(`keeps its pods ${isBound ? 'off' : 'from nothing of'} the node at the level ${level}`, () => {
      const [policy] = ofKind(render(`podSecurity: ${level}`), 'ValidatingAdmissionPolicy');
      const rules = at(policy, 'spec', 'validations') as { readonly expression: string }[];
      assert.equal(
        rules.some(({ expression }) => expression === '!variables.reachesNode'),
        isBound,
      );
    });

  it('covers every kind that the operator may write, but its Lease and events', () => {
    const objects = render(valuesOf('default'));
    const [policy] = ofKind(objects, 'ValidatingAdmissionPolicy');
    const covered = at(policy, 'spec', 'matchConstraints', 'resourceRules') as Rule[];
    const writable = ofKind(objects, 'Role', 'ClusterRole')
      .filter(({ metadata }) => !/-(admin|edit|view)$/.test(metadata.name))
      .flatMap(rules)
      .filter(({ verbs }) => verbs.some((verb) => ['create', 'update', 'patch', 'delete'].includes(verb)))
      .flatMap(({ resources: found }) => found)
      .filter((resource) => !/^(events|leases|protectedmcpservers\/.*)$/.test(resource));
    assert.deepEqual(
      [...new Set(writable)].toSorted(),
      covered.flatMap(({ resources: found }) => found).toSorted(),
    );
  });
});

describe('the operator', () => {
  const kinds = [sample('echo'), sample('full')]
    .flatMap((object) => desired({ server: validServer(object), sidecarImage: 'sidecar' }))
    .map(({ apiVersion, kind }) => ({ group: apiVersion.split('/').toReversed()[1] ?? '', kind }));
  const resources = new Map(kinds.map(({ group, kind }) => [resourceOf(kind), group]));

  for (const name of ['default', 'namespaced'])
    it(`may apply, watch and prune every kind that it makes: ${name}`, () => {
      const roles = serverRoles(render(valuesOf(name)));
      assert.ok(roles.length > 0 && resources.size > 0);
      for (const role of roles)
        for (const [resource, group] of resources)
          for (const verb of resource === 'secrets' ? ['create', 'update'] : WRITE)
            assert.ok(allows(role, group, resource, verb), `${verb} ${resource}.${group}`);
    });

  it('may write status, and block the deletion of owners as owner references ask', () => {
    const [role] = serverRoles(render(valuesOf('default')));
    assert.ok(allows(role, 'protectedmcp.dev', 'protectedmcpservers/status', 'patch'));
    assert.ok(allows(role, 'protectedmcp.dev', 'protectedmcpservers/finalizers', 'update'));
    assert.ok(!allows(role, 'protectedmcp.dev', 'protectedmcpservers', 'patch'));
  });

  it('touches cert-manager only when asked', () => {
    const [role] = serverRoles(render('certManager: { enabled: false }'));
    assert.ok(!allows(role, 'cert-manager.io', 'certificates', 'get'));
  });
});

describe('watchNamespaces', () => {
  const objects = render(valuesOf('namespaced'));

  it('makes no object for the whole cluster, but the policies for its account and for claims', () => {
    const cluster = objects.filter(({ metadata }) => metadata.namespace === undefined);
    assert.deepEqual(
      [...new Set(cluster.map(({ kind }) => kind))],
      ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
    );
    const without = render(`${valuesOf('namespaced')}\nadmission: { operator: { enabled: false } }`);
    for (const { kind, metadata } of without) assert.ok(metadata.namespace, `${kind} ${metadata.name}`);
  });

  it('makes one role a namespace, and one in its own', () => {
    const places = ofKind(objects, 'Role').map(({ metadata }) => metadata.namespace);
    assert.deepEqual(places.toSorted(), [RELEASE_NAMESPACE, 'team-a', 'team-b']);
  });

  it('may be the namespace of the operator, too', () => {
    const roles = ofKind(render(`watchNamespaces: [${RELEASE_NAMESPACE}]`), 'Role');
    assert.equal(new Set(roles.map(({ metadata }) => metadata.name)).size, 2);
  });

  it('gives each role the rules of the ClusterRole', () => {
    const [clusterRole] = serverRoles(render(valuesOf('default')));
    for (const role of serverRoles(objects)) assert.deepEqual(rules(role), rules(clusterRole));
  });
});

const WRITE = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

function resourceOf(kind: string): string {
  return `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');
}
