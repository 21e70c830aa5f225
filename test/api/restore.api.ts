// A cluster that is restored, on a real API server: objects of servers that are gone, and a kind that is gone and comes back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  DESIRED_HASH_ANNOTATION,
  INSTANCE_LABEL,
  MANAGED_BY,
  MANAGED_BY_LABEL,
} from '../../src/api/names.ts';
import type { Client } from '../../src/kube/client.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { CHILD_KINDS, CONFIG_MAPS, SERVICES, type ServerObject } from '../../src/operator/kinds.ts';
import { newServer } from '../unit/operator/operator.ts';
import {
  CRDS,
  DEPLOYMENTS,
  eventually,
  installCrd,
  never,
  NETWORK_POLICIES,
  SECRETS,
  SERVERS,
  write,
} from './connect.ts';
import { startOperator, type RunningOperator } from './running-operator.ts';

const EVENTS: Resource<KubeObject & { reason?: string; note?: string }> = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
const SERVICE_ACCOUNTS = CHILD_KINDS.find(({ kind }) => kind === 'ServiceAccount')!;
const CRD_NAME = 'protectedmcpservers.protectedmcp.dev';
const CHILDREN: readonly (readonly [Resource, string])[] = [
  [SERVICE_ACCOUNTS, 'echo'],
  [CONFIG_MAPS, 'echo-sidecar'],
  [CONFIG_MAPS, 'echo-ca'],
  [SERVICES, 'echo'],
  [NETWORK_POLICIES, 'echo'],
  [DEPLOYMENTS, 'echo'],
  [SECRETS, 'echo-tls'],
];

describe('a cluster that is restored', { timeout: 120_000 }, () => {
  let operator: RunningOperator;
  let client: Client;

  before(async () => {
    operator = await startOperator();
    ({ client } = operator);
  });
  after(() => operator.end());

  const find = <T extends KubeObject>(resource: Resource<T>, name: string) =>
    client.get(resource, { name, namespace: 'demo' }, { signal: never });
  const condition = async (name: string, type: string) => {
    const { status } = (await find(SERVERS, name)) as unknown as ServerObject;
    const found = status?.conditions?.find((one) => one.type === type);
    return `${found?.status} ${found?.reason}`;
  };
  const create = async (name = 'echo') => {
    const created = await client.create(
      SERVERS,
      newServer((one) => (one.metadata.name = name)),
      write,
    );
    return created.metadata.uid ?? '';
  };
  const isGone = (resource: Resource, name: string) =>
    find(resource, name).then(
      () => false,
      (error: unknown) => {
        if (isNotFound(error)) return true;
        throw error;
      },
    );
  const remove = async (name = 'echo') => {
    await client.delete(SERVERS, { name, namespace: 'demo' }, { signal: never });
    await eventually('the server is gone', () => isGone(SERVERS, name));
  };
  const accepted = (name = 'echo') =>
    eventually('it is accepted', async () => (await condition(name, 'Accepted')) === 'True Accepted');
  const ownedBy = async (uid: string) => {
    for (const [resource, name] of CHILDREN)
      await eventually(`${resource.kind} ${name} is the new one's`, async () => {
        if (await isGone(resource, name)) return false;
        const { ownerReferences = [] } = (await find(resource, name)).metadata;
        return (
          ownerReferences
            .filter(({ controller }) => controller === true)
            .map((one) => one.uid)
            .join() === uid
        );
      });
  };
  const pods = async () => {
    const { metadata, spec } = await find(DEPLOYMENTS, 'echo');
    return JSON.stringify([metadata.uid, spec.template]);
  };

  it('takes over what was made for a server of the same name that is gone, and leaves its pods', async () => {
    await ownedBy(await create());
    await accepted();
    const before = await pods();
    await remove(); // nothing collects what it leaves
    await ownedBy(await create());
    await accepted();
    assert.equal(await pods(), before);
    await eventually('an event says so', async () => {
      const { items } = await client.list(EVENTS, { namespace: 'demo', signal: never });
      return items.some(({ reason }) => reason === 'Adopted');
    });
  });

  it('takes over what has no owner any more, as after --cascade=orphan', async () => {
    const before = await pods();
    await remove();
    for (const [resource, name] of CHILDREN) await orphan(resource, name);
    await ownedBy(await create());
    await accepted();
    assert.equal(await pods(), before);
  });

  it('takes over what a backup has made anew, and takes away what is not as it should be', async () => {
    await remove();
    for (const [resource, name] of CHILDREN) await restore(resource, name);
    await ownedBy(await create());
    await accepted();
    await eventually('nothing of it is left', async () => {
      const { spec } = await find(DEPLOYMENTS, 'echo');
      return !JSON.stringify(spec).includes('hostNetwork');
    });
  });

  /** What the garbage collector does for an object whose owner is deleted with the policy Orphan. */
  async function orphan(resource: Resource, name: string): Promise<void> {
    const { metadata } = await find(resource, name);
    const patch = [{ op: 'remove', path: '/metadata/ownerReferences' }];
    await client.patch(resource, { name, namespace: 'demo' }, patch, write);
    assert.equal(metadata.ownerReferences?.length, 1);
  }

  /** What a backup does: the object as it was, without the record of who set what, by another manager, and with one change. */
  async function restore(resource: Resource, name: string): Promise<void> {
    const { metadata, ...rest } = await find(resource, name);
    const { labels, annotations, ownerReferences } = metadata;
    const object = structuredClone({
      ...rest,
      metadata: { name, namespace: 'demo', labels, annotations, ownerReferences },
    });
    if (resource.kind === 'Deployment')
      (object as unknown as { spec: { template: { spec: object } } }).spec.template.spec = {
        ...(object as unknown as { spec: { template: { spec: object } } }).spec.template.spec,
        hostNetwork: true,
      };
    await client.delete(resource, { name, namespace: 'demo' }, { signal: never });
    await eventually(`${resource.kind} ${name} is gone`, () => isGone(resource, name));
    await client.create(resource, object as KubeObject, { signal: never, fieldManager: 'backup' });
  }

  const annotations = { [DESIRED_HASH_ANNOTATION]: '0123456789abcdef' };
  const uid = '11111111-1111-4111-8111-111111111111';
  const labelsOf = (name: string) => ({ [MANAGED_BY_LABEL]: MANAGED_BY, [INSTANCE_LABEL]: name });
  const ownerOf = (name: string) => ({
    apiVersion: 'protectedmcp.dev/v1alpha1',
    kind: 'ProtectedMcpServer',
    name,
    uid,
    controller: true,
  });
  /** By the name of the server that wants it. */
  const foreign: Record<string, (name: string) => Partial<KubeObject['metadata']>> = {
    'without labels': () => ({ annotations }),
    'without the digest': (name) => ({ labels: labelsOf(name) }),
    'of another manager': (name) => ({
      labels: { ...labelsOf(name), [MANAGED_BY_LABEL]: 'Helm' },
      annotations,
    }),
    'of a server of another name': () => ({ labels: labelsOf('other'), annotations }),
    'owned by a server of another name': (name) => ({
      labels: labelsOf(name),
      annotations,
      ownerReferences: [ownerOf('other')],
    }),
    'owned by another kind': (name) => ({
      labels: labelsOf(name),
      annotations,
      ownerReferences: [{ ...ownerOf(name), kind: 'Deployment' }],
    }),
    'owned by the same kind of another group': (name) => ({
      labels: labelsOf(name),
      annotations,
      ownerReferences: [{ ...ownerOf(name), apiVersion: 'example.com/v1alpha1' }],
    }),
  };
  for (const [index, [what, metadataFor]] of Object.entries(foreign).entries())
    it(`leaves alone an object ${what}`, async () => {
      const server = `taken-${index}`;
      const name = `${server}-sidecar`;
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'demo', ...metadataFor(server) },
        data: { mine: 'yes' },
      };
      const made = await client.create(CONFIG_MAPS, object, write);
      await create(server);
      await eventually(
        'it is said',
        async () => (await condition(server, 'Accepted')) === 'False ObjectNotOwned',
      );
      const found = await find(CONFIG_MAPS, name);
      assert.equal(found.metadata.resourceVersion, made.metadata.resourceVersion);
    });

  it('says that its kind is gone, and is at work when it is back', async (t) => {
    const readyz = async () => {
      const answer = await fetch(`${operator.healthUrl}/readyz`);
      return `${answer.status} ${await answer.text()}`;
    };
    await eventually('it is ready', async () => (await readyz()).startsWith('200'));
    operator.lines.length = 0;
    await client.delete(CRDS, { name: CRD_NAME }, { signal: never });
    const deletedAt = performance.now();
    await eventually('it says so', async () => (await readyz()).startsWith('503'), 20_000);
    t.diagnostic(`said after ${Math.round(performance.now() - deletedAt)} ms`);
    assert.match(
      await readyz(),
      new RegExp(`does not serve ${CRD_NAME}: is its CustomResourceDefinition installed`),
    );
    await installCrd(client);
    await create('back');
    const backAt = performance.now();
    await eventually('it is at work', async () => !(await isGone(DEPLOYMENTS, 'back')), 20_000);
    t.diagnostic(`at work after ${Math.round(performance.now() - backAt)} ms`);
    await eventually('it is ready', async () => (await readyz()).startsWith('200'));
    for (const line of operator.lines) assert.doesNotMatch(line, /"stack"|\\n {4}at /);
    assert.ok(
      operator.lines.some((line) => line.includes('kind not served')),
      'the log says so',
    );
  });
});
