// What is changed by hand is put right; what belongs to others is left alone; what is foreign is not taken over.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { waitFor } from './support/wait.ts';
import { World, type Json } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.create();
  await world.apply(world.echo((spec) => (spec.replicas = 2)));
  await world.until('Ready', 'True', 60_000);
});
after(() => world.destroy());

describe('a child that is deleted by hand', () => {
  const kinds = [
    'service',
    'configmap/echo-sidecar',
    'configmap/echo-ca',
    'serviceaccount',
    'networkpolicy',
    'poddisruptionbudget',
    'deployment',
  ];
  for (const entry of kinds) {
    const [kind = '', name = 'echo'] = entry.split('/');
    it(`is made again: ${entry}`, async () => {
      const { uid } = (await world.get(kind, name)).metadata;
      await world.kubectl('delete', kind, name, '--wait=false');
      await waitFor(
        async () => {
          const found = await world.find(kind, name);
          return found !== undefined && found.metadata.uid !== uid;
        },
        `${entry} to be made again`,
        30_000,
      );
    });
  }

  it('is made again within the resync time: the certificate, which the operator cannot watch', async () => {
    const before = await world.get('secret', 'echo-tls');
    await world.kubectl('delete', 'secret', 'echo-tls');
    await waitFor(
      async () => (await world.find('secret', 'echo-tls')) !== undefined,
      'the Secret to be back',
      100_000,
    );
    const after = await world.get('secret', 'echo-tls');
    assert.equal(after.data['tls.crt'], before.data['tls.crt'], 'the same certificate is delivered again');
  });
});

describe('a child that is edited by hand', () => {
  const edits: readonly [string, string, Json, (object: Json) => unknown][] = [
    [
      'service',
      'echo',
      { spec: { ports: [{ port: 8001, targetPort: 1234 }] } },
      (object) => object.spec.ports[0].targetPort,
    ],
    [
      'configmap',
      'echo-sidecar',
      { data: { 'config.json': '{}' } },
      (object) => object.data['config.json'].length > 100,
    ],
    ['networkpolicy', 'echo', { spec: { ingress: [{}] } }, (object) => object.spec.ingress.length],
    [
      'deployment',
      'echo',
      { spec: { template: { spec: { automountServiceAccountToken: true } } } },
      (object) => object.spec.template.spec.automountServiceAccountToken,
    ],
  ];
  for (const [kind, name, patch, read] of edits) {
    it(`is put right: ${kind}`, async () => {
      const wanted = read(await world.get(kind, name));
      await world.kubectl('patch', kind, name, '--type=merge', '--patch', JSON.stringify(patch));
      await waitFor(
        async () => read(await world.get(kind, name)) === wanted,
        `${kind} to be put right`,
        30_000,
      );
    });
  }
});

describe('what belongs to others', () => {
  it('is left alone: replicas of an autoscaler, an annotation of a mesh', async () => {
    await world.apply(world.echo((spec) => delete spec.replicas, 'scaled'));
    await waitFor(async () => (await world.find('deployment', 'scaled')) !== undefined, 'the Deployment');
    await world.kubectl('scale', 'deployment', 'scaled', '--replicas=3');
    await world.kubectl('annotate', 'deployment', 'scaled', 'mesh.example.com/injected=true');
    await world.kubectl('annotate', 'pmcp', 'scaled', 'example.com/touch=now'); // wakes the operator
    await world.kubectl('label', 'service', 'scaled', 'example.com/mine=yes');
    await new Promise((resolve) => setTimeout(resolve, 3_000)); // long enough for it to be undone
    const deployment = await world.get('deployment', 'scaled');
    assert.equal(deployment.spec.replicas, 3);
    assert.equal(deployment.metadata.annotations['mesh.example.com/injected'], 'true');
    assert.equal((await world.get('service', 'scaled')).metadata.labels['example.com/mine'], 'yes');
    await world.kubectl('delete', 'pmcp', 'scaled');
  });

  it('is not taken over: a Service of the same name', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'taken', namespace: world.namespace },
      spec: { ports: [{ port: 80 }] },
    };
    await world.apply(
      service,
      world.echo(() => {}, 'taken'),
    );
    const condition = await world.until('Accepted', 'False', 30_000, 'taken');
    assert.equal(condition.reason, 'ObjectNotOwned');
    assert.match(
      condition.message,
      new RegExp(`Service ${world.namespace}/taken exists and does not belong`),
    );
    assert.equal((await world.get('service', 'taken')).spec.ports[0].port, 80);
    await world.kubectl('delete', 'service', 'taken');
    await world.kubectl('annotate', 'pmcp', 'taken', 'example.com/touch=now');
    await world.until('Accepted', 'True', 90_000, 'taken');
    await world.kubectl('delete', 'pmcp', 'taken');
  });
});

describe('a second look', () => {
  it('writes nothing when nothing has changed', async () => {
    await world.until('Ready', 'True', 60_000);
    const versions = async () => {
      const kinds = [
        'deployment',
        'service',
        'configmap',
        'secret',
        'networkpolicy',
        'poddisruptionbudget',
        'pmcp',
      ];
      const all = await Promise.all(kinds.map((kind) => world.list(kind)));
      return all.flat().map(({ kind, metadata }) => `${kind}/${metadata.name}@${metadata.resourceVersion}`);
    };
    await world.kubectl('annotate', 'pmcp', 'echo', 'example.com/touch=1', '--overwrite');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const before = await versions();
    await new Promise((resolve) => setTimeout(resolve, 70_000)); // past the resync
    assert.deepEqual(await versions(), before);
  });
});
