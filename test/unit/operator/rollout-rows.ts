// Situations of a rollout and of the pods that it makes, and what the conditions say in each.
import type { ConditionType } from '../../../src/protocol/conditions.ts';
import type { Inputs } from '../../../src/operator/inputs.ts';
import type { Deployment } from '../../../src/operator/kinds.ts';
import { deployment, NOW, pod, report, sidecarStatus } from '../../support/operator-inputs.ts';

export interface Row {
  readonly situation: string;
  readonly changes: Partial<Inputs>;
  readonly condition: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: RegExp;
}

type DeploymentConditions = NonNullable<NonNullable<Deployment['status']>['conditions']>;

/** One replica, whose newest version does not get ready: the pod before goes on serving. */
const stuck = (trouble: string | undefined, conditions: DeploymentConditions = []): Partial<Inputs> => ({
  deployment: deployment({ replicas: 2, updatedReplicas: 1, availableReplicas: 1, conditions }, 1),
  pods: [
    pod({ name: 'echo-old', createdAt: NOW - 3_600_000, trouble: 'container "server" ended: exit code 3' }),
    pod({
      name: 'echo-new',
      template: '7d9c',
      createdAt: NOW - 60_000,
      ready: false,
      report: undefined,
      trouble,
    }),
  ],
});
/** Nothing serves. */
const down = (trouble: string | undefined, conditions: DeploymentConditions = []): Partial<Inputs> => ({
  deployment: deployment({ availableReplicas: 0, conditions }),
  pods: [pod({ ready: false, report: undefined, trouble })],
});
const quota = {
  type: 'ReplicaFailure',
  status: 'True',
  reason: 'FailedCreate',
  message: 'pods "echo-7d" is forbidden: exceeded quota: compute',
};
const security = { ...quota, message: 'violates PodSecurity "restricted:latest": runAsNonRoot != true' };
const deadline = {
  type: 'Progressing',
  status: 'False',
  reason: 'ProgressDeadlineExceeded',
  message: 'ReplicaSet "echo-7d" has timed out progressing.',
};
const complete = {
  type: 'Progressing',
  status: 'True',
  reason: 'NewReplicaSetAvailable',
  message: 'ReplicaSet "echo-7d" has successfully progressed.',
};
const endpoint = (state: NonNullable<ReturnType<typeof sidecarStatus>['server']>['endpoint']) => ({
  pods: [
    pod({ report: report({ status: sidecarStatus({ server: { reachable: true, endpoint: state } }) }) }),
  ],
});

/** Two pods serve, and one does not answer the operator. */
const oneSilent: Partial<Inputs> = {
  pods: [pod(), pod({ uid: '2', name: 'echo-2', report: report({ status: undefined, error: 'timed out' }) })],
};

/** The same causes, with an earlier version that serves and without. */
const CAUSES: readonly (readonly [
  cause: string,
  trouble: string | undefined,
  conditions: DeploymentConditions,
  message: RegExp,
])[] = [
  [
    'an image cannot be pulled',
    'container "server" is waiting: ImagePullBackOff: Back-off pulling',
    [],
    /ImagePullBackOff/,
  ],
  [
    'a container crashes',
    'container "server" is waiting: CrashLoopBackOff (exit code 1)',
    [],
    /CrashLoopBackOff \(exit code 1\)/,
  ],
  [
    'a container is killed for its memory',
    'container "auth-sidecar" is waiting: CrashLoopBackOff (exit code 137, OOMKilled)',
    [],
    /OOMKilled/,
  ],
  [
    'a Secret is missing',
    'FailedMount: MountVolume.SetUp failed: secret "mine" not found',
    [],
    /secret "mine" not found/,
  ],
  [
    'a ConfigMap is missing',
    'container "server" is waiting: CreateContainerConfigError: configmap "settings" not found',
    [],
    /configmap "settings" not found/,
  ],
  [
    'no node has room',
    'Unschedulable: 0/3 nodes are available: 3 Insufficient memory.',
    [],
    /Insufficient memory/,
  ],
  ['a quota is used up', undefined, [quota], /Deployment demo\/echo: FailedCreate: .*exceeded quota/],
  ['PodSecurity refuses the pods', undefined, [security], /violates PodSecurity/],
  ['the progress deadline has passed', undefined, [deadline], /ProgressDeadlineExceeded: .*timed out/],
];

export const ROLLOUT_ROWS: readonly Row[] = [
  ...CAUSES.flatMap(([cause, trouble, conditions, message]): Row[] => {
    const row = { status: 'False', message } as const;
    return [
      {
        ...row,
        situation: `${cause}, and an earlier version serves`,
        changes: stuck(trouble, conditions),
        condition: 'Ready',
        reason: 'RolloutStalled',
      },
      {
        ...row,
        situation: `${cause}, and an earlier version serves`,
        changes: stuck(trouble, conditions),
        condition: 'Progressing',
        reason: 'Stalled',
      },
      {
        situation: `${cause}, and an earlier version serves`,
        changes: stuck(trouble, conditions),
        condition: 'Available',
        status: 'True',
        reason: 'ReplicasAvailable',
        message: /earlier version/,
      },
      {
        ...row,
        situation: `${cause}, and nothing serves`,
        changes: down(trouble, conditions),
        condition: 'Ready',
        reason: 'ReplicasUnavailable',
      },
      {
        ...row,
        situation: `${cause}, and nothing serves`,
        changes: down(trouble, conditions),
        condition: 'Available',
        reason: 'ReplicasUnavailable',
        message: /No pod serves/,
      },
    ];
  }),
  {
    situation: 'there is no Deployment yet',
    changes: { deployment: undefined },
    condition: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: /rolled out/,
  },
  {
    situation: 'the Deployment was not seen yet',
    changes: { deployment: deployment({ observedGeneration: 1 }) },
    condition: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: /rolled out/,
  },
  {
    situation: 'the Deployment was not seen yet',
    changes: { deployment: deployment({ observedGeneration: 1 }) },
    condition: 'Progressing',
    status: 'Unknown',
    reason: 'Pending',
    message: /not rolled out/,
  },
  {
    situation: 'pods of an earlier version are among those that serve',
    changes: { deployment: deployment({ replicas: 4, updatedReplicas: 3, availableReplicas: 4 }, 3) },
    condition: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: /3 of 3 pod\(s\) are of the newest/,
  },
  {
    situation: 'a rollout is under way',
    changes: { deployment: deployment({ updatedReplicas: 1, availableReplicas: 2 }, 3) },
    condition: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: /1 of 3/,
  },
  {
    situation: 'a rollout is under way',
    changes: { deployment: deployment({ updatedReplicas: 1, availableReplicas: 2 }, 3) },
    condition: 'Progressing',
    status: 'True',
    reason: 'RollingOut',
    message: /1 of 3/,
  },
  {
    situation: 'the first pods of three are not available yet',
    changes: { deployment: deployment({ availableReplicas: 2 }, 3), pods: [pod()] },
    condition: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: /newest/,
  },
  {
    situation: 'one of three pods fails after the rollout',
    changes: {
      deployment: deployment({ availableReplicas: 2, conditions: [complete] }, 3),
      pods: [pod(), pod({ uid: '2', name: 'echo-2', trouble: 'container "server" ended: exit code 1' })],
    },
    condition: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: /2 of 3 pod\(s\) serve requests\. Pod echo-2: container "server" ended: exit code 1/,
  },
  {
    situation: 'every pod fails after the rollout',
    changes: {
      deployment: deployment({ availableReplicas: 0, conditions: [complete] }),
      pods: [pod({ trouble: 'Evicted: The node was low on resource: memory.' })],
    },
    condition: 'Ready',
    status: 'False',
    reason: 'ReplicasUnavailable',
    message: /echo-1: Evicted/,
  },
  {
    situation: 'the rollout is complete',
    changes: {},
    condition: 'Progressing',
    status: 'False',
    reason: 'Complete',
    message: /rolled out/,
  },
  {
    situation: 'the rollout is complete',
    changes: {},
    condition: 'Available',
    status: 'True',
    reason: 'ReplicasAvailable',
    message: /newest version serve/,
  },
  ...(['Progressing', 'Available', 'Ready'] as const).map((condition): Row => ({
    situation: 'a newer sidecar waits for its turn',
    changes: { isWaiting: true },
    condition,
    ...{
      Progressing: { status: 'False', reason: 'WaitingForTurn', message: /few servers at a time/ } as const,
      Available: { status: 'True', reason: 'ReplicasAvailable', message: /earlier version/ } as const,
      Ready: { status: 'True', reason: 'Ready', message: /1 of 1/ } as const,
    }[condition],
  })),
  {
    situation: 'a newer sidecar waits, and the one before does not get ready either',
    changes: { ...stuck(undefined, [quota]), isWaiting: true },
    condition: 'Progressing',
    status: 'False',
    reason: 'Stalled',
    message: /exceeded quota/,
  },
  {
    situation: 'it is scaled to zero',
    changes: { deployment: deployment({}, 0) },
    condition: 'Ready',
    status: 'False',
    reason: 'ScaledToZero',
    message: /scale it up/,
  },
  {
    situation: 'the endpoint is at another path',
    changes: endpoint('not_found'),
    condition: 'Ready',
    status: 'False',
    reason: 'EndpointNotUsable',
    message: /echo-1 has nothing there \(404\): correct spec\.server\.path/,
  },
  {
    situation: 'the path takes no POST',
    changes: endpoint('method_not_allowed'),
    condition: 'Ready',
    status: 'False',
    reason: 'EndpointNotUsable',
    message: /405/,
  },
  {
    situation: 'the endpoint redirects',
    changes: endpoint('redirect'),
    condition: 'Ready',
    status: 'False',
    reason: 'EndpointNotUsable',
    message: /slash at its end/,
  },
  {
    situation: 'the server wants credentials of its own',
    changes: endpoint('unauthorized'),
    condition: 'Ready',
    status: 'False',
    reason: 'EndpointNotUsable',
    message: /turn its authorization off/,
  },
  {
    situation: 'the endpoint says nothing of itself',
    changes: endpoint('unknown'),
    condition: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: /1 of 1/,
  },
  {
    situation: 'a sidecar from before endpoints were asked serves it',
    changes: { pods: [pod({ report: report({ status: sidecarStatus({ server: undefined }) }) })] },
    condition: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: /1 of 1/,
  },
  {
    situation: 'the configuration is everywhere',
    changes: {},
    condition: 'ConfigurationCurrent',
    status: 'True',
    reason: 'Current',
    message: /newest configuration/,
  },
  {
    situation: 'a sidecar still has the configuration before',
    changes: { configDigest: 'another' },
    condition: 'ConfigurationCurrent',
    status: 'False',
    reason: 'Outdated',
    message: /Pod echo-1 still enforces/,
  },
  {
    situation: 'one of two sidecars still has the configuration before',
    changes: {
      pods: [
        pod(),
        pod({
          uid: '2',
          name: 'echo-2',
          report: report({ status: sidecarStatus({ configDigest: 'before' }) }),
        }),
      ],
    },
    condition: 'Ready',
    status: 'False',
    reason: 'ConfigurationNotCurrent',
    message: /echo-2/,
  },
  {
    situation: 'a sidecar could not use the configuration before the newest, which it has not seen',
    changes: {
      pods: [
        pod({
          report: report({
            status: sidecarStatus({ configDigest: 'before', configProblem: 'x', refusedDigest: 'between' }),
          }),
        }),
      ],
    },
    condition: 'ConfigurationCurrent',
    status: 'False',
    reason: 'Outdated',
    message: /still enforces an earlier configuration/,
  },
  {
    situation: 'a sidecar cannot use the newest configuration',
    changes: {
      pods: [
        pod({
          report: report({
            status: sidecarStatus({ configDigest: 'before', configProblem: 'config.json: 1 problem(s)' }),
          }),
        }),
      ],
    },
    condition: 'ConfigurationCurrent',
    status: 'False',
    reason: 'Refused',
    message: /cannot use the newest configuration.*1 problem/,
  },
  {
    situation: 'one of two pods that serve does not say which configuration it has',
    changes: oneSilent,
    condition: 'ConfigurationCurrent',
    status: 'Unknown',
    reason: 'Pending',
    message: /echo-2 does not answer/,
  },
  {
    situation: 'one of two pods that serve does not say which configuration it has',
    changes: oneSilent,
    condition: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: /echo-2 does not answer/,
  },
  {
    situation: 'a pod that does not serve is silent',
    changes: {
      deployment: deployment({ availableReplicas: 1, conditions: [complete] }, 2),
      pods: [
        pod(),
        pod({
          uid: '2',
          name: 'echo-2',
          ready: false,
          report: report({ status: undefined, error: 'timed out' }),
        }),
      ],
    },
    condition: 'ConfigurationCurrent',
    status: 'True',
    reason: 'Current',
    message: /./,
  },
  {
    situation: 'no server runs',
    changes: {
      pods: [
        pod({
          report: report({
            status: sidecarStatus({ ready: false, server: { reachable: false, endpoint: 'unknown' } }),
          }),
        }),
      ],
    },
    condition: 'Isolated',
    status: 'Unknown',
    reason: 'Pending',
    message: /does not run/,
  },
];
