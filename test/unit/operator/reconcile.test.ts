// One reconcile against an API server: the world before, what is written, and what the status then says.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { CONFIGURATION_ANNOTATION, PAUSED_ANNOTATION } from '../../../src/api/names.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { SidecarReport } from '../../../src/operator/inputs.ts';
import type { Certificate, Deployment, ServerObject } from '../../../src/operator/kinds.ts';
import type { MemoryApiServer, Refusal } from '../../support/memory-api-server.ts';
import { report } from '../../support/operator-inputs.ts';
import {
  healthy,
  KEY,
  NAMESPACE,
  newServer,
  Operator,
  rollOut,
  startApi,
  type OperatorOptions,
} from './operator.ts';

const DAY_MS = 86_400_000;
const SUPPORTS = [
  'apply ServiceAccount demo/echo',
  'apply ConfigMap demo/echo-sidecar',
  'apply ConfigMap demo/echo-ca',
  'apply Service demo/echo',
  'apply NetworkPolicy demo/echo',
];
const DEPLOYMENT = 'apply Deployment demo/echo';
const DELIVERY = 'deliver Secret demo/echo-tls';
const STATUS = 'apply ProtectedMcpServer/status demo/echo';

interface Stage {
  readonly api: MemoryApiServer;
  readonly operator: Operator;
}

interface Row {
  readonly rule: string;
  readonly options?: OperatorOptions;
  readonly server?: (server: ServerObject) => void;
  /** On the API server before the operator starts. */
  readonly before?: (api: MemoryApiServer) => void;
  /** After a first reconcile; without it, the first one is what counts. */
  readonly then?: (stage: Stage) => void | Promise<void>;
  readonly refuse?: (request: {
    verb: string;
    kind: string;
    subresource: string | undefined;
  }) => Refusal | undefined;
  /** All of them, in any order; the certificate's kept copy as `keep`. */
  readonly writes: readonly string[];
  /** `Type`: `Status Reason`. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly message?: readonly [type: string, text: RegExp];
  readonly check?: (stage: Stage) => void;
}

/** A Deployment whose replicas an autoscaler sets. */
type ScaledDeployment = Deployment & { spec: { replicas: number } };
type RunningDeployment = Deployment & { status: { availableReplicas: number } };

const close: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).toReversed()) await end();
});

async function stage(row: Pick<Row, 'options' | 'server' | 'before'>): Promise<Stage> {
  const api = await startApi(row.options);
  close.push(() => api.close());
  api.put(newServer(row.server));
  row.before?.(api);
  const operator = await Operator.start(api, row.options);
  close.push(() => operator.stop());
  return { api, operator };
}

const server = (api: MemoryApiServer) => api.get<ServerObject>('ProtectedMcpServer', KEY);
const edit = (api: MemoryApiServer, change: (object: ServerObject) => void) =>
  api.edit('ProtectedMcpServer', KEY, change);
const pause = (object: ServerObject) => (object.metadata.annotations = { [PAUSED_ANNOTATION]: 'true' });

function conditionsOf(api: MemoryApiServer): Record<string, string> {
  const { conditions = [] } = server(api)?.status ?? {};
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

/** Secrets are created or replaced. The kept copy of a certificate has a digest for a name. */
const named = (write: string) =>
  /^(create|update) Secret .*\/leaf-/.test(write)
    ? 'keep'
    : write.replace(/^(create|update) Secret demo\/echo-tls$/, DELIVERY);

const refuse =
  (kind: string, code: number, reason: string): NonNullable<Row['refuse']> =>
  (request) =>
    request.verb === 'apply' && request.kind === kind && request.subresource === undefined
      ? { code, reason }
      : undefined;

/** The Deployment is rolled out, and its pod was probed. */
async function runs({ api, operator }: Stage): Promise<void> {
  rollOut(api);
  await operator.reconcile();
  await operator.probe();
  await operator.reconcile();
}

/** As a healthy sidecar of the newest configuration would answer; filled in by the row's API server. */
let probed: () => SidecarReport = () => report();

const ROWS: readonly Row[] = [
  {
    rule: 'a new server gets everything, the Deployment after the rest, and all conditions',
    writes: [...SUPPORTS, DELIVERY, 'keep', DEPLOYMENT, STATUS],
    conditions: {
      Accepted: 'True Accepted',
      CertificateReady: 'True Issued',
      KeysAvailable: 'Unknown Pending',
      Isolated: 'Unknown Pending',
      Ready: 'False Progressing',
    },
    check: ({ api }) => {
      assert.equal(server(api)?.status?.observedGeneration, 1);
      const order = api.writes.map(named);
      for (const write of [...SUPPORTS, DELIVERY])
        assert.ok(order.indexOf(write) < order.indexOf(DEPLOYMENT), write);
    },
  },
  {
    rule: 'a pod that was probed and serves makes the server ready',
    options: { probe: () => probed() },
    then: runs,
    writes: [],
    conditions: { KeysAvailable: 'True KeysLoaded', Isolated: 'True ProbeRefused', Ready: 'True Ready' },
    message: ['Ready', /^1 of 1 pod\(s\) serve requests\.$/],
    check: ({ operator }) => assert.ok(operator.events.includes('Normal ReadyTrue')),
  },
  {
    rule: 'a server whose own port answers is not isolated, and usable all the same',
    options: { probe: () => ({ ...probed(), serverPort: 'open' }) },
    then: runs,
    writes: [],
    conditions: { Isolated: 'False UpstreamReachable', Ready: 'True Ready' },
  },
  {
    rule: 'a container that waits is named',
    then: ({ api }) => {
      rollOut(api, (pod) => {
        const waiting = { reason: 'ErrImagePull', message: 'no such image' };
        pod.status = {
          phase: 'Pending',
          containerStatuses: [{ name: 'server', ready: false, state: { waiting } }],
        };
      });
      api.edit<KubeObject & { status: { availableReplicas: number } }>('Deployment', KEY, (deployment) => {
        deployment.status.availableReplicas = 0;
      });
    },
    writes: [STATUS],
    conditions: { Ready: 'False ReplicasUnavailable' },
    message: ['Ready', /container "server" is waiting: ErrImagePull: no such image/],
  },
  {
    rule: 'a name that an object of another has is left alone, and no pod is started',
    before: (api) =>
      api.put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'echo', namespace: 'demo' }, spec: {} }),
    writes: [...SUPPORTS.filter((write) => !write.includes('Service demo')), DELIVERY, 'keep', STATUS],
    conditions: {
      Accepted: 'False ObjectNotOwned',
      CertificateReady: 'Unknown Pending',
      Ready: 'False NotAccepted',
    },
    message: ['Accepted', /Service demo\/echo exists .*delete or rename it/],
  },
  {
    rule: 'a TLS Secret of another is left alone',
    before: (api) =>
      api.put({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'echo-tls', namespace: 'demo' },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': 'bWluZQ==', 'tls.key': 'bWluZQ==' },
      }),
    writes: [...SUPPORTS, STATUS],
    conditions: { Accepted: 'False ObjectNotOwned' },
    check: ({ api }) => assert.match(JSON.stringify(api.get('Secret', 'demo/echo-tls')), /bWluZQ==/),
  },
  {
    rule: 'an object that the API server finds invalid is reported in its words',
    refuse: refuse('Deployment', 422, 'Invalid'),
    writes: [...SUPPORTS, DELIVERY, 'keep', STATUS],
    conditions: { Accepted: 'False ApplyFailed', Ready: 'False NotAccepted' },
    message: ['Accepted', /apply Deployment demo\/echo: 422 Invalid/],
  },
  {
    rule: 'without the NetworkPolicy that guards them, no pods are started',
    refuse: refuse('NetworkPolicy', 403, 'Forbidden'),
    writes: [...SUPPORTS.filter((write) => !write.includes('NetworkPolicy')), DELIVERY, 'keep', STATUS],
    conditions: { Accepted: 'False ApplyFailed' },
    message: ['Accepted', /403 Forbidden/],
  },
  {
    rule: 'nothing is pruned while something cannot be applied',
    server: (object) => (object.spec.replicas = 2),
    then: ({ api }) => {
      edit(api, (object) => (object.spec.replicas = 1));
      api.intercept = (request) => refuse('Deployment', 422, 'Invalid')(request);
    },
    writes: [STATUS],
    conditions: { Accepted: 'False ApplyFailed' },
    check: ({ api }) => assert.deepEqual(api.keys('PodDisruptionBudget'), [KEY]),
  },
  {
    rule: 'with one replica the PodDisruptionBudget goes',
    server: (object) => (object.spec.replicas = 2),
    then: ({ api }) => edit(api, (object) => (object.spec.replicas = 1)),
    writes: [DEPLOYMENT, 'delete PodDisruptionBudget demo/echo', STATUS],
    conditions: { Accepted: 'True Accepted' },
    check: ({ api }) => assert.deepEqual(api.keys('PodDisruptionBudget'), []),
  },
  {
    rule: 'replicas that are handed to an autoscaler stay as they are',
    server: (object) => (object.spec.replicas = 3),
    then: async (at) => {
      await runs(at);
      edit(at.api, (object) => delete object.spec.replicas);
    },
    writes: [DEPLOYMENT, DEPLOYMENT, STATUS],
    conditions: { Accepted: 'True Accepted' },
    check: ({ api }) => {
      assert.equal(api.get<Deployment>('Deployment', KEY)?.spec?.replicas, 3);
      assert.deepEqual(api.keys('PodDisruptionBudget'), [KEY]);
    },
  },
  {
    rule: 'replicas that an autoscaler has changed are left alone, and the PodDisruptionBudget follows',
    then: async (at) => {
      await runs(at);
      at.api.edit<ScaledDeployment>('Deployment', KEY, ({ spec }) => (spec.replicas = 5));
    },
    writes: ['apply PodDisruptionBudget demo/echo', STATUS],
    conditions: { Accepted: 'True Accepted', Progressing: 'Unknown Pending' },
    check: ({ api }) => assert.equal(api.get<Deployment>('Deployment', KEY)?.spec?.replicas, 5),
  },
  {
    rule: 'a pod whose sidecar has an earlier configuration is changed, so that the kubelet brings the newest',
    options: { probe: () => probed() },
    then: async (at) => {
      await runs(at);
      edit(at.api, (object) => (object.spec.authorization.requiredScopes = ['mcp:admin']));
    },
    writes: ['apply ConfigMap demo/echo-sidecar', 'apply Pod demo/echo-1', STATUS],
    conditions: { ConfigurationCurrent: 'False Outdated', Ready: 'False ConfigurationNotCurrent' },
    check: ({ api }) => {
      const { annotations } = api.get('Pod', 'demo/echo-1')?.metadata ?? {};
      assert.match(annotations?.[CONFIGURATION_ANNOTATION] ?? '', /^[0-9a-f]{16}\.1\.\d+$/);
    },
  },
  {
    rule: 'a pod that waits for a Secret names it, by the cluster’s event',
    then: async (at) => {
      await at.operator.reconcile();
      rollOut(at.api, (pod) => {
        pod.status = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
        Object.assign(pod.metadata, { creationTimestamp: '2026-11-23T11:59:00Z' });
      });
      at.api.edit<RunningDeployment>('Deployment', KEY, ({ status }) => (status.availableReplicas = 0));
      for (const [name, uid, message] of [
        ['a', 'pod-uid', 'secret "mine" not found'],
        ['b', 'another', 'secret "theirs" not found'],
      ] as const)
        at.api.put({
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name, namespace: 'demo' },
          involvedObject: { kind: 'Pod', uid },
          type: 'Warning',
          reason: 'FailedMount',
          message: `MountVolume.SetUp failed for volume "tls" : ${message}`,
        });
    },
    writes: [STATUS],
    conditions: { Ready: 'False ReplicasUnavailable', Progressing: 'False Stalled' },
    message: ['Ready', /Pod echo-1: FailedMount: .*secret "mine" not found/],
  },
  {
    rule: 'without isolation the NetworkPolicy goes',
    then: ({ api }) => edit(api, (object) => (object.spec.network.isolation = 'None')),
    writes: ['delete NetworkPolicy demo/echo', STATUS],
    conditions: { Isolated: 'False Disabled' },
  },
  {
    rule: 'what a user changes by hand is put right, and nothing else is written',
    then: ({ api }) =>
      api.edit<KubeObject & { spec: object }>(
        'Service',
        KEY,
        (object) => (object.spec = { type: 'NodePort' }),
      ),
    writes: ['apply Service demo/echo'],
    conditions: { Accepted: 'True Accepted' },
  },
  {
    rule: 'a deleted object is made again',
    then: ({ api }) => api.remove('ConfigMap', 'demo/echo-sidecar'),
    writes: ['apply ConfigMap demo/echo-sidecar'],
    conditions: { Accepted: 'True Accepted' },
  },
  {
    rule: 'a deleted TLS Secret is put back with the next resync',
    then: ({ api, operator }) => {
      api.remove('Secret', 'demo/echo-tls');
      operator.clock.now += 54_000;
    },
    writes: [DELIVERY],
    conditions: { CertificateReady: 'True Issued' },
  },
  {
    rule: 'a certificate is renewed at two thirds of its life',
    then: ({ operator }) => void (operator.clock.now += 61 * DAY_MS),
    writes: [DELIVERY, 'keep', STATUS],
    conditions: { CertificateReady: 'True Issued' },
    message: ['CertificateReady', /valid until 2027-04-23/],
  },
  {
    rule: 'for a host of another service no certificate is issued',
    server: (object) => (object.spec.protectedResourceMetadata.resource = 'https://vault.bank.svc:8001/mcp'),
    writes: [...SUPPORTS, DELIVERY, 'keep', DEPLOYMENT, STATUS],
    conditions: { CertificateReady: 'False HostNotAllowed', Ready: 'False CertificateNotReady' },
  },
  {
    rule: 'for a Secret of the user none is written',
    server: (object) => (object.spec.tls = { secretName: 'mine' }),
    writes: [...SUPPORTS.filter((write) => !write.includes('echo-ca')), DEPLOYMENT, STATUS],
    conditions: { CertificateReady: 'Unknown Pending' },
    message: ['CertificateReady', /create the Secret demo\/mine/],
  },
  {
    rule: 'cert-manager is asked, and its answer awaited',
    options: { certManager: true },
    server: (object) => (object.spec.tls = { issuerRef: { kind: 'Issuer', name: 'ca' } }),
    writes: [
      ...SUPPORTS.filter((write) => !write.includes('echo-ca')),
      'apply Certificate demo/echo-tls',
      DEPLOYMENT,
      STATUS,
    ],
    conditions: { CertificateReady: 'False Pending' },
    message: ['CertificateReady', /Issuer "ca": no status reported yet/],
  },
  {
    rule: 'what cert-manager issued is good',
    options: { certManager: true },
    server: (object) => (object.spec.tls = { issuerRef: { kind: 'Issuer', name: 'ca' } }),
    then: ({ api }) =>
      api.edit<Certificate & { status?: object }>('Certificate', 'demo/echo-tls', (object) => {
        object.status = { conditions: [{ type: 'Ready', status: 'True' }] };
      }),
    writes: [STATUS],
    conditions: { CertificateReady: 'True Issued' },
  },
  {
    rule: 'without cert-manager the rest is done, and the condition says what is missing',
    server: (object) => (object.spec.tls = { issuerRef: { kind: 'Issuer', name: 'ca' } }),
    writes: [...SUPPORTS.filter((write) => !write.includes('echo-ca')), DEPLOYMENT, STATUS],
    conditions: { CertificateReady: 'False CertManagerNotInstalled' },
  },
  {
    rule: 'a server that is new and paused gets a status, and no object',
    server: pause,
    writes: [STATUS],
    conditions: {
      Accepted: 'False Paused',
      CertificateReady: 'Unknown Pending',
      KeysAvailable: 'Unknown Pending',
      Isolated: 'Unknown Pending',
      Ready: 'False Paused',
      Paused: 'True Paused',
    },
    message: ['Paused', /kubectl annotate pmcp echo --namespace demo protectedmcp\.dev\/paused-/],
    check: ({ api }) => assert.equal(server(api)?.status?.observedGeneration, undefined),
  },
  {
    rule: 'a server that is paused and otherwise unchanged stays as ready as it is',
    options: { probe: () => probed() },
    then: async (at) => {
      await runs(at);
      edit(at.api, pause);
    },
    writes: [STATUS],
    conditions: {
      Accepted: 'True Accepted',
      KeysAvailable: 'True KeysLoaded',
      Ready: 'True Ready',
      Paused: 'True Paused',
    },
  },
  {
    rule: 'a paused server is not ready in a generation that was not applied',
    options: { probe: () => probed() },
    then: async (at) => {
      await runs(at);
      edit(at.api, (object) => {
        pause(object);
        object.spec.server.image = 'echo:2';
      });
    },
    writes: [STATUS],
    conditions: {
      Accepted: 'False Paused',
      KeysAvailable: 'True KeysLoaded',
      Ready: 'False Paused',
      Paused: 'True Paused',
    },
    message: ['Ready', /Generation 2 is not applied.*annotate/],
    check: ({ api }) => {
      const { observedGeneration, conditions = [] } = server(api)?.status ?? {};
      assert.equal(observedGeneration, 1);
      assert.deepEqual(
        conditions.map((condition) => [condition.type, condition.observedGeneration]),
        [
          ['Accepted', 2],
          ['CertificateReady', 1],
          ['KeysAvailable', 1],
          ['ConfigurationCurrent', 1],
          ['Isolated', 1],
          ['Progressing', 1],
          ['Available', 2],
          ['Ready', 2],
          ['Paused', 2],
        ],
      );
    },
  },
  {
    rule: 'while paused, what is changed by hand is left as it is',
    then: ({ api }) => {
      edit(api, pause);
      api.remove('Service', KEY);
    },
    writes: [STATUS],
    conditions: { Paused: 'True Paused', Accepted: 'True Accepted' },
  },
  {
    rule: 'a server that is resumed is applied, and is paused no more',
    then: async ({ api, operator }) => {
      edit(api, (object) => {
        pause(object);
        object.spec.server.image = 'echo:2';
      });
      await operator.reconcile();
      edit(api, (object) => (object.metadata.annotations = {}));
    },
    writes: [DEPLOYMENT, STATUS],
    conditions: { Accepted: 'True Accepted', Ready: 'False Progressing' },
    check: ({ api }) => {
      assert.equal(conditionsOf(api)['Paused'], undefined);
      assert.equal(server(api)?.status?.observedGeneration, 2);
    },
  },
  {
    rule: 'for a server that is being deleted nothing is written',
    server: (object) => (object.metadata.deletionTimestamp = '2026-11-23T11:59:00Z'),
    writes: [],
    conditions: {},
  },
  {
    rule: 'of a server that is gone, the certificate goes',
    then: ({ api }) => api.remove('ProtectedMcpServer', KEY),
    writes: ['delete'],
    conditions: {},
    check: ({ api }) => assert.ok(api.keys('Secret').every((key) => !key.includes('leaf-'))),
  },
];

describe('a reconcile', () => {
  for (const row of ROWS) {
    it(row.rule, async () => {
      const at = await stage(row);
      probed = () => healthy(at.api);
      if (row.refuse) at.api.intercept = (request) => row.refuse?.(request);
      if (row.then !== undefined) {
        await at.operator.reconcile();
        await row.then(at);
      }
      const writes = (await at.operator.reconcile()).map((write) =>
        named(write).replace(/^delete Secret .*leaf-.*/, 'delete'),
      );
      assert.deepEqual(writes.toSorted(), [...row.writes].toSorted());
      const conditions = conditionsOf(at.api);
      for (const [type, expected] of Object.entries(row.conditions))
        assert.equal(conditions[type], expected, type);
      if (row.message !== undefined) {
        const [type, text] = row.message;
        const found = server(at.api)?.status?.conditions?.find((condition) => condition.type === type);
        assert.match(found?.message ?? '', text);
      }
      row.check?.(at);
      assert.deepEqual(await at.operator.reconcile(), [], 'the second pass writes nothing');
    });
  }
});

describe('a reconcile that fails', () => {
  it('writes no status, no Deployment, and is whole with the next one', async () => {
    const { api, operator } = await stage({});
    api.intercept = (request) => refuse('Service', 500, 'InternalError')(request);
    await assert.rejects(operator.reconcile(), /apply Service demo\/echo: 500/);
    assert.deepEqual(api.keys('Deployment'), []);
    assert.equal(server(api)?.status, undefined);
    api.intercept = () => undefined;
    assert.deepEqual(
      (await operator.reconcile()).toSorted(),
      ['apply Service demo/echo', DEPLOYMENT, STATUS].toSorted(),
    );
  });

  it('has nothing under way when it ends', async () => {
    const { api, operator } = await stage({});
    const held = Promise.withResolvers<void>();
    api.intercept = async (request) => {
      if (request.verb === 'apply' && request.kind === 'NetworkPolicy') await held.promise;
      return refuse('Service', 500, 'InternalError')(request);
    };
    const run = operator.reconcile().then(
      () => 'done',
      () => 'failed',
    );
    assert.equal(
      await Promise.race([run, new Promise((resolve) => setImmediate(resolve, 'running'))]),
      'running',
    );
    held.resolve();
    assert.equal(await run, 'failed');
    assert.ok(api.writes.includes('apply NetworkPolicy demo/echo'));
  });

  it('writes nothing more after its signal', async () => {
    const { api, operator } = await stage({});
    const lost = new AbortController();
    api.intercept = (request) => {
      if (request.verb === 'apply' && request.kind === 'Service') lost.abort();
      return undefined;
    };
    await assert.rejects(operator.reconcile(KEY, lost.signal), { name: 'NoAnswerError', code: 'stopped' });
    assert.deepEqual(api.keys('Deployment'), []);
    assert.equal(server(api)?.status, undefined);
  });

  it('does not delete an object that was made anew meanwhile', async () => {
    const { api, operator } = await stage({});
    await operator.reconcile();
    edit(api, (object) => (object.spec.network.isolation = 'None'));
    api.intercept = ({ verb, kind }) => {
      if (verb === 'delete' && kind === 'NetworkPolicy') {
        const { apiVersion, spec } = api.get<KubeObject & { spec: object }>('NetworkPolicy', KEY)!;
        api.remove('NetworkPolicy', KEY);
        api.put({ apiVersion, kind: 'NetworkPolicy', metadata: { name: 'echo', namespace: 'demo' }, spec });
      }
      return undefined;
    };
    assert.deepEqual(await operator.reconcile(), [STATUS]);
    assert.deepEqual(api.keys('NetworkPolicy'), [KEY]);
  });

  it('is none when the server is deleted before its status is written', async () => {
    const { api, operator } = await stage({});
    api.intercept = ({ subresource }) => {
      if (subresource === 'status') api.remove('ProtectedMcpServer', KEY);
      return undefined;
    };
    await operator.reconcile();
    assert.equal(server(api), undefined);
  });
});

describe('an operator that starts anew', () => {
  it('finds everything as desired, and only delivers the certificate again', async () => {
    const { api, operator } = await stage({});
    await operator.reconcile();
    const { certificate } = keptLeaf(api);
    operator.stop();
    const next = await Operator.start(api);
    close.push(() => next.stop());
    assert.deepEqual((await next.reconcile()).map(named), [DELIVERY]);
    assert.equal(keptLeaf(api).certificate, certificate);
  });
});

describe('an operator with another sidecar', () => {
  const sidecarOf = (api: MemoryApiServer) =>
    /"image":"(sidecar:[^"]*)"/.exec(JSON.stringify(api.get<Deployment>('Deployment', KEY)?.spec))?.[1];

  /** A server that is ready with the first sidecar, and the operator of the next release. */
  async function upgraded(hasTurn = false): Promise<Stage> {
    const first = await stage({ options: { probe: () => probed() } });
    await first.operator.reconcile();
    probed = () => healthy(first.api);
    await runs(first);
    assert.equal(conditionsOf(first.api)['Ready'], 'True Ready');
    first.operator.stop();
    const options = { sidecarImage: 'sidecar:2', hasTurn, probe: () => healthy(first.api) };
    const operator = await Operator.start(first.api, options);
    close.push(() => operator.stop());
    return { api: first.api, operator };
  }

  it('leaves a server that waits as it is, says so, and then writes nothing more', async () => {
    const { api, operator } = await upgraded();
    const before = api.get<Deployment>('Deployment', KEY);
    assert.deepEqual((await operator.reconcile()).map(named).toSorted(), [STATUS, DELIVERY].toSorted());
    assert.deepEqual(api.get<Deployment>('Deployment', KEY), before);
    const { Ready, Progressing, Available } = conditionsOf(api);
    assert.deepEqual(
      { Ready, Progressing, Available },
      { Ready: 'True Ready', Progressing: 'False WaitingForTurn', Available: 'True ReplicasAvailable' },
    );
    await operator.probe();
    assert.deepEqual(await operator.reconcile(), []);
  });

  it('gives it to a server whose turn it is', async () => {
    const { api, operator } = await upgraded(true);
    await operator.reconcile();
    assert.equal(sidecarOf(api), 'sidecar:2');
    const { applied } = server(api)?.status ?? {};
    assert.deepEqual([applied?.sidecarImage, applied?.replaced], ['sidecar:2', 'Ready']);
    assert.equal(conditionsOf(api)['Ready'], 'False Progressing');
  });

  it('brings a changed policy to a server that waits, and leaves its pods', async () => {
    const { api, operator } = await upgraded();
    edit(api, ({ spec }) => (spec.authorization.requiredScopes = ['mcp:admin']));
    const writes = (await operator.reconcile()).map(named);
    assert.ok(writes.includes('apply ConfigMap demo/echo-sidecar'));
    assert.equal(sidecarOf(api), 'sidecar:1');
    assert.equal(server(api)?.status?.applied?.generation, 2);
  });

  it('keeps in mind what is there when the newest cannot be applied', async () => {
    const { api, operator } = await upgraded(true);
    const { intercept } = api;
    const forbidden = refuse('Deployment', 403, 'Forbidden');
    api.intercept = (request) => Promise.resolve(forbidden(request));
    await operator.reconcile();
    assert.equal(server(api)?.status?.applied?.sidecarImage, 'sidecar:1', 'what is there');
    assert.equal(conditionsOf(api)['Accepted'], 'False ApplyFailed');
    api.intercept = intercept;
    await operator.reconcile();
    assert.equal(server(api)?.status?.applied?.sidecarImage, 'sidecar:2');
  });
});

function keptLeaf(api: MemoryApiServer): { certificate: string } {
  const key = api.keys('Secret').find((name) => name.startsWith(`${NAMESPACE}/leaf-`)) ?? '';
  const secret = api.get<KubeObject & { data: Record<string, string> }>('Secret', key);
  return { certificate: secret?.data['tls.crt'] ?? '' };
}
