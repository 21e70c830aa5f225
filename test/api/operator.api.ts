// An operator on a real API server without nodes, with the rights and under the policy that it is installed with: what it
// applies, and that it is quiet afterwards; paused and resumed.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PAUSED_ANNOTATION } from '../../src/api/names.ts';
import type { Client } from '../../src/kube/client.ts';
import type { ServerObject } from '../../src/operator/kinds.ts';
import { setField } from '../support/manifests.ts';
import { newServer } from '../unit/operator/operator.ts';
import {
  CONFIG_MAPS,
  CRDS,
  DEPLOYMENTS,
  eventually,
  never,
  NETWORK_POLICIES,
  readCrd,
  SERVERS,
  write,
} from './connect.ts';
import { startOperator, type RunningOperator } from './running-operator.ts';

describe('an operator on a real API server', { timeout: 120_000 }, () => {
  let operator: RunningOperator;
  let client: Client;

  before(async () => {
    operator = await startOperator();
    ({ client } = operator);
  });
  after(() => operator.end());

  const apply = (change: (object: ServerObject) => void = () => undefined) =>
    client.apply(SERVERS, newServer(change), write);

  /** Type, status, reason and generation of each condition. */
  const conditions = async (): Promise<Record<string, string>> => {
    const found = await client.get(SERVERS, { name: 'echo', namespace: 'demo' }, { signal: never });
    const { status } = found as unknown as ServerObject;
    return Object.fromEntries(
      (status?.conditions ?? []).map((one) => [
        one.type,
        `${one.status} ${one.reason} ${one.observedGeneration}`,
      ]),
    );
  };
  const says = async (type: string, expected: string | undefined) => (await conditions())[type] === expected;
  const image = async () => {
    const found = await client.get(DEPLOYMENTS, { name: 'echo', namespace: 'demo' }, { signal: never });
    return JSON.stringify(found.spec.template.spec);
  };

  it('applies a new server, and then writes nothing more', async () => {
    await apply();
    await eventually('it is accepted', () => says('Accepted', 'True Accepted 1'));
    assert.match((await conditions())['CertificateReady'] ?? '', /^True Issued/);
    const before = await operator.writes();
    // Changes nothing that it applies.
    await operator.lookAfter(() =>
      apply((object) => (object.metadata.annotations = { 'example.com/note': 'x' })),
    );
    assert.equal(await operator.writes(), before);
  });

  it('puts right what was changed by hand, also where a label was taken away', async () => {
    const service = { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true };
    const find = () => client.get(service, { name: 'echo', namespace: 'demo' }, { signal: never });
    const { managedFields: _, labels, ...metadata } = (await find()).metadata as Record<string, unknown>;
    const rest = Object.entries(labels as object).filter(([name]) => !name.endsWith('/managed-by'));
    await client.update(
      service,
      { ...(await find()), metadata: { ...metadata, labels: Object.fromEntries(rest) } },
      write,
    );
    const isPutRight = async () =>
      (await find()).metadata.labels?.['app.kubernetes.io/managed-by'] === 'protected-mcp-operator';
    await eventually('the label is back', isPutRight);
  });

  it('makes no pods beyond the level, names the field, and leaves those that run', async () => {
    const before = await image();
    await apply((object) => {
      object.spec.server.image = 'evil:1';
      object.spec.server.securityContext = { privileged: true, runAsUser: 0 };
    });
    await eventually('it is refused', () => says('Accepted', 'False PodSecurityViolation 2'));
    assert.equal(await image(), before);
    await apply();
    await eventually('it is accepted again', () => says('Accepted', 'True Accepted 3'));
  });

  it('leaves a paused server alone, and says so', async () => {
    const pause = (object: ServerObject) => {
      object.metadata.annotations = { [PAUSED_ANNOTATION]: 'true' };
      object.spec.server.image = 'echo:2';
    };
    await apply(pause);
    await eventually('it is paused', () => says('Paused', 'True Paused 4'));
    const found = await conditions();
    assert.deepEqual([found['Accepted'], found['Ready']], ['False Paused 4', 'False Paused 4']);
    assert.doesNotMatch(await image(), /echo:2/);
  });

  it('applies it when it is resumed', async () => {
    await apply((object) => (object.spec.server.image = 'echo:2'));
    await eventually('it is accepted', () => says('Accepted', 'True Accepted 4'));
    assert.equal((await conditions())['Paused'], undefined);
    assert.match(await image(), /echo:2/);
  });

  it('closes a NetworkPolicy that is opened by hand for a second and a half', async () => {
    const ref = { name: 'echo', namespace: 'demo' };
    const ingress = async () => (await client.get(NETWORK_POLICIES, ref, { signal: never })).spec.ingress;
    await eventually('there is one', async () => (await ingress()).length === 2);
    const opened = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: ref,
      spec: { podSelector: {}, ingress: [{}] },
    };
    for (let round = 0; round < 3; round++) {
      const end = Date.now() + 1_500;
      const patch = async () => {
        while (Date.now() < end) await client.apply(NETWORK_POLICIES, opened, write);
      };
      await Promise.all([patch(), patch(), patch(), patch()]);
      await eventually('it is as desired', async () => (await ingress()).length === 2, 10_000);
    }
  });

  it('applies nothing of a resource with a field of a newer definition, and says which', async () => {
    const crd = structuredClone(readCrd());
    const authorization =
      'spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.authorization.properties';
    setField(crd, `${authorization}.denyTools`, { type: 'array', items: { type: 'string' } });
    await client.apply(CRDS, crd, write);
    const file = async () => {
      const ref = { name: 'echo-sidecar', namespace: 'demo' };
      return (await client.get(CONFIG_MAPS, ref, { signal: never })).data;
    };
    const deny = (object: ServerObject) =>
      setField(object, 'spec.authorization.denyTools', ['delete_everything']);
    await eventually('the newer definition is served', async () => {
      const applied = await apply(deny).catch(() => undefined);
      return JSON.stringify(applied)?.includes('delete_everything') ?? false;
    });
    const before = await file();
    const { metadata } = await apply((object) => {
      deny(object);
      object.spec.authorization.requiredScopes = ['mcp:other'];
    });
    await eventually('it is said', () => says('Accepted', `False UnknownField ${metadata.generation}`));
    assert.match((await conditions())['Ready'] ?? '', /^False NotAccepted/);
    const { status } = await client.get(SERVERS, { name: 'echo', namespace: 'demo' }, { signal: never });
    assert.match(JSON.stringify(status), /spec\.authorization\.denyTools: not known to this operator/);
    assert.deepEqual(await file(), before);
  });

  it('works on when the field is taken out again', async () => {
    const change = (object: ServerObject) => (object.spec.authorization.requiredScopes = ['mcp:third']);
    const { metadata } = await apply(change);
    await eventually('it is accepted', () => says('Accepted', `True Accepted ${metadata.generation}`));
    const ref = { name: 'echo-sidecar', namespace: 'demo' };
    const { data } = await client.get(CONFIG_MAPS, ref, { signal: never });
    assert.match(data?.['config.json'] ?? '', /mcp:third/);
  });

  it('says what the API server cannot convert, which it answers with a 500', async () => {
    await apply((object) => setField(object, 'spec.server.readinessProbe', { httpGet: { port: {} } }));
    await eventually('it is refused', async () =>
      /^False ApplyFailed/.test((await conditions())['Accepted'] ?? ''),
    );
    await apply();
    await eventually('it is accepted', async () => /^True/.test((await conditions())['Accepted'] ?? ''));
  });
});
