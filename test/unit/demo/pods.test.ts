// What the demo says about a pod that is not ready.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { podState, type Pod } from '../../../scripts/demo/pods.ts';

type Status = Pod['status'];

const container = (state: object): Status => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'keycloak', ready: false, state }],
});

const rows: readonly [name: string, status: Status, said: string][] = [
  [
    'no room on any node',
    {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes: Insufficient memory.' }],
    },
    '0/1 nodes: Insufficient memory.',
  ],
  ['not looked at by the kubelet', { phase: 'Pending' }, 'pending'],
  ['being made', container({ waiting: { reason: 'ContainerCreating' } }), 'its container is being made'],
  [
    'no image',
    container({ waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x:1"' } }),
    'ImagePullBackOff: Back-off pulling image "x:1"',
  ],
  [
    'crashing',
    container({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }),
    'CrashLoopBackOff: back-off 10s',
  ],
  [
    'killed for its memory',
    container({ terminated: { reason: 'OOMKilled', exitCode: 137 } }),
    'ended: OOMKilled (exit code 137)',
  ],
  ['a Job that is done', container({ terminated: { reason: 'Completed', exitCode: 0 } }), 'almost there'],
  ['running, not ready', container({ running: {} }), 'it is starting'],
];

describe('the state of a pod', () => {
  for (const [name, status, said] of rows)
    it(name, () => assert.equal(podState({ metadata: { name: 'keycloak' }, status }), said));
});
