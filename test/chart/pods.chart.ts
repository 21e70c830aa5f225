// Every pod of the chart passes the Pod Security Standard `restricted`, and server-side apply takes its lists.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject, Manifest } from '../../src/api/object.ts';
import { at, cases, ofKind, render, valuesOf } from './render.ts';

/** What the operator reads, as src/operator/main.ts documents it. */
const OPERATOR_ENV = [
  'POD_NAMESPACE',
  'POD_NAME',
  'SIDECAR_IMAGE',
  'ADMIN_INGRESS_FROM',
  'POD_SECURITY',
  'SERVICE_TYPES',
  'SERVICE_ANNOTATIONS',
  'SIDECAR_ROLLOUT_MAX_CONCURRENT',
  'WATCH_NAMESPACES',
  'LEADER_ELECTION',
  'LEASE_NAME',
  'LOG_LEVEL',
  'WORKERS',
];

const ALLOWED_VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'projected', 'secret'];

function podSpec(workload: Manifest): JsonObject {
  return at(workload, 'spec', 'template', 'spec') as JsonObject;
}

function containers(workload: Manifest): JsonObject[] {
  return podSpec(workload)['containers'] as JsonObject[];
}

function names(list: unknown): unknown[] {
  return ((list ?? []) as JsonObject[]).map(({ name }) => name);
}

for (const name of cases) {
  describe(name, () => {
    const workloads = ofKind(render(valuesOf(name)), 'Deployment', 'Job', 'StatefulSet', 'DaemonSet', 'Pod');

    for (const workload of workloads) {
      it(`${workload.kind} passes restricted`, () => {
        const pod = podSpec(workload);
        for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers', 'ephemeralContainers'])
          assert.equal(pod[field], undefined, field);
        assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true);
        assert.notEqual(at(pod, 'securityContext', 'runAsUser'), 0);
        assert.equal(at(pod, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault');
        for (const volume of (pod['volumes'] ?? []) as JsonObject[])
          assert.ok(
            ALLOWED_VOLUMES.some((type) => type in volume),
            JSON.stringify(volume),
          );
        for (const container of containers(workload)) {
          assert.deepEqual(container['securityContext'], {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          for (const port of (container['ports'] ?? []) as JsonObject[])
            assert.equal(port['hostPort'], undefined);
        }
      });

      it(`${workload.kind} has no name twice in a list that is merged by name`, () => {
        const lists = containers(workload).flatMap(({ env, ports }) => [env, ports]);
        for (const list of [...lists, podSpec(workload)['volumes']])
          assert.equal(new Set(names(list)).size, names(list).length, JSON.stringify(list));
      });
    }

    it('the operator gets every variable it reads, once, before the extra ones', () => {
      const [operator] = ofKind(workloads, 'Deployment').flatMap(containers);
      assert.deepEqual(names(operator?.['env']).slice(0, OPERATOR_ENV.length), OPERATOR_ENV);
    });

    it('only the operator gets a token of the API server', () => {
      for (const workload of workloads)
        assert.equal(podSpec(workload)['automountServiceAccountToken'], workload.kind === 'Deployment');
    });

    it('the Service finds the operator, and not the pods of helm test', () => {
      const [service] = ofKind(render(valuesOf(name)), 'Service');
      const selector = Object.entries(at(service, 'spec', 'selector') as JsonObject);
      for (const workload of workloads) {
        const labels = at(workload, 'spec', 'template', 'metadata', 'labels') as JsonObject;
        const found = selector.every(([key, value]) => labels[key] === value);
        assert.equal(found, workload.kind === 'Deployment');
      }
    });
  });
}
