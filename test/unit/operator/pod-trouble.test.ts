// What keeps a pod from running, as the API server describes such pods.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerStatus, Pod } from '../../../src/operator/kinds.ts';
import { isStarting, podTrouble } from '../../../src/operator/pod-trouble.ts';
import { VERSION } from '../../../src/protocol/version.ts';

type PodStatus = NonNullable<Pod['status']>;

function pod(status: PodStatus): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'echo-1', namespace: 'demo' }, status };
}

const scheduled = { type: 'PodScheduled', status: 'True' };

function container(changes: Partial<ContainerStatus>): Pod {
  const containerStatuses = [
    { name: 'auth-sidecar', ready: true, restartCount: 0, state: {} },
    { name: 'server', ready: false, restartCount: 0, ...changes },
  ];
  return pod({ phase: 'Running', conditions: [scheduled], containerStatuses });
}

const BROKEN: readonly (readonly [situation: string, pod: Pod, said: string])[] = [
  [
    'an image cannot be pulled',
    container({ state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"' } } }),
    'container "server" is waiting: ImagePullBackOff: Back-off pulling image "x"',
  ],
  [
    'a container crashes again and again',
    container({
      restartCount: 4,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    }),
    'container "server" is waiting: CrashLoopBackOff: back-off 40s (exit code 3)',
  ],
  [
    'a container is killed for its memory',
    container({
      restartCount: 4,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    }),
    'container "server" is waiting: CrashLoopBackOff (exit code 137, OOMKilled)',
  ],
  [
    'a container was killed for its memory and is up again, not ready',
    container({
      restartCount: 2,
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    }),
    'container "server" was restarted 2 time(s): exit code 137, OOMKilled',
  ],
  [
    'a container has ended, with last words',
    container({
      state: { terminated: { exitCode: 1, reason: 'Error', message: 'no such file: tools.json\n' } },
    }),
    'container "server" ended: exit code 1: no such file: tools.json',
  ],
  [
    'a container was ended by a signal: what it said last is not why',
    container({
      state: { terminated: { exitCode: 137, reason: 'OOMKilled', message: '{"level":30,"msg":"call"}' } },
    }),
    'container "server" ended: exit code 137, OOMKilled',
  ],
  [
    'a container has ended with last words in several lines, and with what moves a cursor',
    container({ state: { terminated: { exitCode: 1, message: 'no such file:\n  \u001b[2Jtools.json\n' } } }),
    'container "server" ended: exit code 1: no such file:; \uFFFD[2Jtools.json',
  ],
  [
    'a server ends with the code by which a sidecar refuses its configuration',
    container({ state: { terminated: { exitCode: 2, message: 'usage: server' } } }),
    'container "server" ended: exit code 2: usage: server',
  ],
  [
    'a ConfigMap is missing for the environment',
    container({
      state: { waiting: { reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' } },
    }),
    'container "server" is waiting: CreateContainerConfigError: configmap "settings" not found',
  ],
  [
    'an init container fails',
    pod({
      phase: 'Pending',
      conditions: [scheduled],
      initContainerStatuses: [
        { name: 'istio-init', ready: false, state: { terminated: { exitCode: 255, reason: 'Error' } } },
      ],
      containerStatuses: [
        { name: 'server', ready: false, state: { waiting: { reason: 'PodInitializing' } } },
      ],
    }),
    'container "istio-init" ended: exit code 255',
  ],
  [
    'no node has room',
    pod({
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/3 nodes are available',
        },
      ],
    }),
    'Unschedulable: 0/3 nodes are available',
  ],
  [
    'the pod was evicted',
    pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
    'Evicted: The node was low on resource: memory.',
  ],
  ['the pod failed without a word', pod({ phase: 'Failed' }), 'Failed'],
];

const WELL: readonly (readonly [situation: string, pod: Pod])[] = [
  ['it is new', pod({ phase: 'Pending' })],
  ['its containers are being made', container({ state: { waiting: { reason: 'ContainerCreating' } } })],
  ['it is being initialized', container({ state: { waiting: { reason: 'PodInitializing' } } })],
  ['it runs and is not ready yet', container({ state: {} })],
  [
    'it was restarted before, and is ready',
    container({
      ready: true,
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    }),
  ],
  [
    'its init container has done its work',
    container({ state: { terminated: { exitCode: 0, reason: 'Completed' } } }),
  ],
];

describe('the trouble of a pod', () => {
  for (const [situation, broken, said] of BROKEN)
    it(`is said when ${situation}`, () => assert.equal(podTrouble(broken), said));
  for (const [situation, well] of WELL)
    it(`is none when ${situation}`, () => assert.equal(podTrouble(well), undefined));

  it('has no more of a container’s last words than the end of them', () => {
    const message = `${'x'.repeat(4000)} cause`;
    const said = podTrouble(container({ state: { terminated: { exitCode: 1, message } } })) ?? '';
    assert.ok(said.length < 300);
    assert.ok(said.endsWith('cause'));
  });
});

describe('a sidecar that cannot use its configuration', () => {
  const refusal =
    '/etc/protected-mcp/config/config.json: 1 problem(s)\n  transport: Unrecognized key: "requireDpop"\n';
  const said = (message: string | undefined) =>
    podTrouble(
      pod({
        phase: 'Running',
        conditions: [scheduled],
        containerStatuses: [
          {
            name: 'auth-sidecar',
            image: 'registry.example/sidecar:0.0.9',
            ready: false,
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
            lastState: { terminated: { exitCode: 2, reason: 'Error', ...(message && { message }) } },
          },
          { name: 'server', ready: true, restartCount: 0, state: {} },
        ],
      }),
    ) ?? '';

  it('is said with the field, its image, the version of the operator, and what to do', () => {
    assert.equal(
      said(refusal),
      'container "auth-sidecar" is waiting: CrashLoopBackOff: back-off 40s (exit code 2: ' +
        '/etc/protected-mcp/config/config.json: 1 problem(s); transport: Unrecognized key: "requireDpop". ' +
        `The image registry.example/sidecar:0.0.9 cannot use the configuration of this operator, version ${VERSION}: ` +
        'set spec.sidecar.image to the sidecar of that version, or take out the field that it does not know)',
    );
  });
  it('is said where it gave no word', () => {
    assert.match(said(undefined), /\(exit code 2\. The image registry\.example\/sidecar:0\.0\.9 cannot use/);
  });
  it('fits into a condition, however many fields there are', () => {
    assert.ok(said(`${'x'.repeat(4000)} transport: Unrecognized key: "requireDpop"`).length < 1024);
    assert.match(said(`${'x'.repeat(4000)} Unrecognized key: "requireDpop"`), /requireDpop/);
  });
});

describe('a pod that is starting', () => {
  const waiting = (reason: string) => [{ name: 'server', ready: false, state: { waiting: { reason } } }];
  it('has a node and no container that runs', () => {
    for (const containerStatuses of [[], waiting('ContainerCreating'), waiting('PodInitializing')])
      assert.ok(isStarting(pod({ phase: 'Pending', conditions: [scheduled], containerStatuses })));
  });
  it('is not one without a node, with a container that cannot start, or one that runs', () => {
    assert.ok(!isStarting(pod({ phase: 'Pending' })));
    assert.ok(
      !isStarting(
        pod({ phase: 'Pending', conditions: [scheduled], containerStatuses: waiting('ErrImagePull') }),
      ),
    );
    assert.ok(!isStarting(pod({ phase: 'Running', conditions: [scheduled] })));
  });
});
