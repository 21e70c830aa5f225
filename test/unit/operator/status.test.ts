// The conditions: one row a situation, what the resource then says.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CONDITION_TYPES,
  type ConditionReasons,
  type ConditionType,
} from '../../../src/protocol/conditions.ts';
import { refusedStatus, status } from '../../../src/operator/status.ts';
import type { ReportedCode } from '../../../src/operator/sidecar-status.ts';
import { inputs, NOW, pod, report, serverObject, sidecarStatus } from '../../support/operator-inputs.ts';
import { ROLLOUT_ROWS, type Row } from './rollout-rows.ts';

const issuer = (keys: number, code?: ReportedCode, mismatch?: string) => ({
  issuer: 'https://idp/r',
  keys,
  loadedAt: undefined,
  lastError: code && { code, message: `what ${code} says` },
  mismatch,
});
const noKeys = (code?: ReportedCode) => [
  pod({ report: report({ status: sidecarStatus({ ready: false, issuers: [issuer(0, code)] }) }) }),
];
const misnamed = () => {
  const mismatch = 'GET u: the metadata names the issuer "x", not "https://idp/r"';
  const issuers = [issuer(2, undefined, mismatch)];
  return [pod({ report: report({ status: sidecarStatus({ ready: false, issuers }) }) })];
};
const served = (certificate: { subjectAltName: string; notAfter: string }) => [
  pod({ report: report({ status: sidecarStatus({ certificate }) }) }),
];
const ownSecret = { certificate: { source: 'secret', secretName: 'mine' } } as const;

const ROWS: readonly Row[] = [
  {
    situation: 'all is well',
    changes: {},
    condition: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: /1 of 1 pod/,
  },
  {
    situation: 'all is well',
    changes: {},
    condition: 'Accepted',
    status: 'True',
    reason: 'Accepted',
    message: /./,
  },
  {
    situation: 'a sidecar still has the configuration before',
    changes: { configDigest: 'another' },
    condition: 'Ready',
    status: 'False',
    reason: 'ConfigurationNotCurrent',
    message: /echo-1 still enforces an earlier configuration/,
  },
  {
    situation: 'a name is taken',
    changes: { failure: { reason: 'ObjectNotOwned', message: 'Deployment demo/echo exists' } },
    condition: 'Accepted',
    status: 'False',
    reason: 'ObjectNotOwned',
    message: /demo\/echo/,
  },
  {
    situation: 'a name is taken',
    changes: { failure: { reason: 'ObjectNotOwned', message: 'Deployment demo/echo exists' } },
    condition: 'Ready',
    status: 'False',
    reason: 'NotAccepted',
    message: /demo\/echo/,
  },
  {
    situation: 'the certificate is issued',
    changes: {},
    condition: 'CertificateReady',
    status: 'True',
    reason: 'Issued',
    message: /valid until 2027-02-21, renewed on 2027-01-22/,
  },
  {
    situation: 'the host is another’s',
    changes: {
      certificate: {
        source: 'issued',
        notAfter: NOW + 1,
        renewAt: NOW,
        refused: { host: 'victim.bank.svc', reason: 'HostNotAllowed' },
      },
    },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'HostNotAllowed',
    message:
      /does not certify victim\.bank\.svc: .*echo\.demo\.svc.*spec\.tls\.secretName.*tls\.hosts of the operator's chart/,
  },
  {
    situation: 'a server of another namespace has the host',
    changes: {
      certificate: {
        source: 'issued',
        notAfter: NOW + 1,
        renewAt: NOW,
        refused: { host: 'mcp.example.com', reason: 'HostInUse' },
      },
    },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'HostInUse',
    message: /does not certify mcp\.example\.com: a server of another namespace has it/,
  },
  {
    situation: 'the authority is lost and the certificate is good',
    changes: { certificate: { source: 'issued', notAfter: NOW + 1, renewAt: NOW, lost: 'It is lost.' } },
    condition: 'CertificateReady',
    status: 'True',
    reason: 'Issued',
    message: /and not renewed: It is lost\./,
  },
  {
    situation: 'the authority is lost and the certificate has expired',
    changes: { certificate: { source: 'issued', notAfter: NOW - 1, renewAt: NOW - 2, lost: 'It is lost.' } },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'AuthorityLost',
    message: /It is lost\./,
  },
  {
    situation: 'the authority is lost and there is no certificate',
    changes: { certificate: { source: 'none', lost: 'It is lost.' } },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'AuthorityLost',
    message: /It is lost\./,
  },
  {
    situation: 'the issued certificate has expired',
    changes: { certificate: { source: 'issued', notAfter: NOW - 1, renewAt: NOW - 2 } },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'Expired',
    message: /renewed with the next reconcile/,
  },
  {
    situation: 'a Secret is named and no sidecar runs',
    changes: { ...ownSecret, pods: [pod({ report: undefined })] },
    condition: 'CertificateReady',
    status: 'Unknown',
    reason: 'Pending',
    message: /create the Secret demo\/mine with tls\.crt and tls\.key/,
  },
  {
    situation: 'the Secret is for another host',
    changes: {
      ...ownSecret,
      pods: served({ subjectAltName: 'DNS:other.example.com', notAfter: '2027-01-01T00:00:00Z' }),
    },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'HostNotCovered',
    message: /does not cover localhost/,
  },
  {
    situation: 'the Secret has expired',
    changes: {
      ...ownSecret,
      pods: served({ subjectAltName: 'DNS:localhost', notAfter: '2026-01-01T00:00:00Z' }),
    },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'Expired',
    message: /replace it/,
  },
  {
    situation: 'the Secret is good',
    changes: {
      ...ownSecret,
      pods: served({ subjectAltName: 'DNS:localhost', notAfter: '2027-01-01T00:00:00Z' }),
    },
    condition: 'CertificateReady',
    status: 'True',
    reason: 'Issued',
    message: /up to you/,
  },
  {
    situation: 'cert-manager is not there',
    changes: { certificate: { source: 'cert-manager', installed: false, ready: false, message: undefined } },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'CertManagerNotInstalled',
    message: /install it/,
  },
  {
    situation: 'cert-manager is at work',
    changes: {
      certificate: { source: 'cert-manager', installed: true, ready: false, message: 'issuer not found' },
    },
    condition: 'CertificateReady',
    status: 'False',
    reason: 'Pending',
    message: /issuer not found/,
  },
  {
    situation: 'the issuer is out of reach',
    changes: { pods: noKeys('unreachable') },
    condition: 'KeysAvailable',
    status: 'False',
    reason: 'IssuerUnreachable',
    message:
      /^Sidecar in pod echo-1 has no signing keys for https:\/\/idp\/r: what unreachable says; requests get 503 until keys load\. Check that the issuer is up/,
  },
  {
    situation: 'the metadata names another issuer',
    changes: { pods: noKeys('issuer_mismatch') },
    condition: 'KeysAvailable',
    status: 'False',
    reason: 'DiscoveryFailed',
    message: /what issuer_mismatch says.*[Cc]opy the issuer/,
  },
  {
    situation: 'keys are not fetched yet',
    changes: { pods: noKeys() },
    condition: 'KeysAvailable',
    status: 'Unknown',
    reason: 'Pending',
    message: /is fetching the signing keys/,
  },
  {
    situation: 'keys are missing',
    changes: { pods: noKeys('unknown') },
    condition: 'Ready',
    status: 'False',
    reason: 'KeysNotAvailable',
    message: /no signing keys/,
  },
  {
    situation: 'the metadata of an issuer names another, and keys are held',
    changes: { pods: misnamed() },
    condition: 'KeysAvailable',
    status: 'False',
    reason: 'DiscoveryFailed',
    message: /names the issuer "x", not "https:\/\/idp\/r".*[Cc]opy the issuer/,
  },
  {
    situation: 'the metadata of an issuer names another',
    changes: { pods: misnamed() },
    condition: 'Ready',
    status: 'False',
    reason: 'KeysNotAvailable',
    message: /names another issuer/,
  },
  {
    situation: 'a key set without a usable key',
    changes: { pods: noKeys('no_usable_key') },
    condition: 'KeysAvailable',
    status: 'False',
    reason: 'NoUsableKey',
    message: /Publish a signing key/,
  },
  {
    situation: 'no sidecar answers',
    changes: { pods: [pod({ report: report({ status: undefined, error: 'ECONNREFUSED' }) })] },
    condition: 'KeysAvailable',
    status: 'Unknown',
    reason: 'Pending',
    message: /answers on its admin port/,
  },
  {
    situation: 'keys are old but held',
    changes: {
      pods: [pod({ report: report({ status: sidecarStatus({ issuers: [issuer(1, 'timeout')] }) }) })],
    },
    condition: 'KeysAvailable',
    status: 'True',
    reason: 'KeysLoaded',
    message: /last refresh failed.*what timeout says/,
  },
  {
    situation: "the server's port answers",
    changes: { pods: [pod({ report: report({ serverPort: 'open' }) })] },
    condition: 'Isolated',
    status: 'False',
    reason: 'UpstreamReachable',
    message: /port 8000 of pod echo-1.*127\.0\.0\.1/,
  },
  {
    situation: 'isolation is off',
    changes: { server: serverObject((server) => (server.spec.network.isolation = 'None')) },
    condition: 'Isolated',
    status: 'False',
    reason: 'Disabled',
    message: /Set it to NetworkPolicy/,
  },
  {
    situation: 'isolation is off and the port answers',
    changes: {
      server: serverObject((server) => (server.spec.network.isolation = 'None')),
      pods: [pod({ report: report({ serverPort: 'open' }) })],
    },
    condition: 'Isolated',
    status: 'False',
    reason: 'UpstreamReachable',
    message: /without a token/,
  },
  {
    situation: 'nothing was tried',
    changes: { pods: [] },
    condition: 'Isolated',
    status: 'Unknown',
    reason: 'Pending',
    message: /probed yet/,
  },
  {
    situation: 'the pod is out of reach altogether',
    changes: { pods: [pod({ report: report({ status: undefined, error: 'timed out' }) })] },
    condition: 'Isolated',
    status: 'Unknown',
    reason: 'ProbeFailed',
    message: /Probe inconclusive/,
  },
  {
    situation: 'the port is closed',
    changes: {},
    condition: 'Isolated',
    status: 'True',
    reason: 'ProbeRefused',
    message: /1 pod/,
  },
];

/** A paused server of a generation, with the status of the generation that was last applied. */
const paused = (generation: number, observed?: number) => ({
  paused: true,
  server: serverObject((server) => {
    if (observed !== undefined) server.status = { ...status(inputs()), observedGeneration: observed };
    server.metadata.generation = generation;
  }),
});

const PAUSED_ROWS: readonly Row[] = [
  {
    situation: 'the server is paused',
    changes: paused(3, 3),
    condition: 'Paused',
    status: 'True',
    reason: 'Paused',
    message: /kubectl annotate pmcp echo --namespace demo protectedmcp\.dev\/paused-/,
  },
  {
    situation: 'the server is paused, and its generation was applied before',
    changes: paused(3, 3),
    condition: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: /1 of 1/,
  },
  {
    situation: 'the server was changed while paused',
    changes: paused(3, 2),
    condition: 'Ready',
    status: 'False',
    reason: 'Paused',
    message: /Generation 3 is not applied.*annotate/,
  },
  {
    situation: 'the server was changed while paused',
    changes: paused(3, 2),
    condition: 'Accepted',
    status: 'False',
    reason: 'Paused',
    message: /Generation 3 is not applied/,
  },
  {
    situation: 'an object is refused by the API server',
    changes: { failure: { reason: 'ApplyFailed', message: 'apply Service demo/echo: 422 Invalid: x' } },
    condition: 'Accepted',
    status: 'False',
    reason: 'ApplyFailed',
    message: /422 Invalid/,
  },
  {
    situation: 'another installation watches the namespace',
    changes: { contender: 'mcp-b/operator' },
    condition: 'Contested',
    status: 'True',
    reason: 'OtherInstallation',
    message: /^Operator mcp-b\/operator watches namespace demo too, and stands by\./,
  },
  {
    situation: 'the pods may not be made',
    changes: { failure: { reason: 'PodSecurityViolation', message: 'violates PodSecurity "restricted": x' } },
    condition: 'Accepted',
    status: 'False',
    reason: 'PodSecurityViolation',
    message: /violates PodSecurity/,
  },
  {
    situation: 'the Service may not be made',
    changes: { failure: { reason: 'ServiceNotAllowed', message: 'LoadBalancer is not allowed' } },
    condition: 'Accepted',
    status: 'False',
    reason: 'ServiceNotAllowed',
    message: /LoadBalancer is not allowed/,
  },
  {
    situation: 'a name is taken, and the certificate was not delivered',
    changes: { failure: { reason: 'ObjectNotOwned', message: 'Secret demo/echo-tls exists' } },
    condition: 'CertificateReady',
    status: 'Unknown',
    reason: 'Pending',
    message: /see condition Accepted/,
  },
  {
    situation: 'cert-manager has not issued the certificate',
    changes: {
      certificate: { source: 'cert-manager', installed: true, ready: false, message: undefined },
    },
    condition: 'Ready',
    status: 'False',
    reason: 'CertificateNotReady',
    message: /no status reported yet/,
  },
];

const ALL_ROWS = [...ROWS, ...ROLLOUT_ROWS, ...PAUSED_ROWS];

describe('a condition', () => {
  for (const row of ALL_ROWS) {
    it(`${row.condition} is ${row.status}, ${row.reason}, when ${row.situation}`, () => {
      const { conditions = [] } = status(inputs(row.changes));
      const found = conditions.find(({ type }) => type === row.condition);
      assert.equal(found?.status, row.status);
      assert.equal(found.reason, row.reason);
      assert.match(found.message, row.message);
      assert.equal(found.observedGeneration, 3);
    });
  }
});

/** Every reason there is: the compiler refuses this when one is missing, or is none any more. */
const REASONS: { readonly [T in ConditionType]: Readonly<Record<ConditionReasons[T], true>> } = {
  Accepted: {
    Accepted: true,
    ObjectNotOwned: true,
    ApplyFailed: true,
    Invalid: true,
    TooLarge: true,
    PodSecurityViolation: true,
    ServiceNotAllowed: true,
    UnknownField: true,
    Paused: true,
  },
  CertificateReady: {
    Issued: true,
    Pending: true,
    Expired: true,
    HostNotCovered: true,
    HostNotAllowed: true,
    HostInUse: true,
    AuthorityLost: true,
    CertManagerNotInstalled: true,
  },
  KeysAvailable: {
    KeysLoaded: true,
    Pending: true,
    IssuerUnreachable: true,
    DiscoveryFailed: true,
    NoUsableKey: true,
  },
  ConfigurationCurrent: { Current: true, Pending: true, Outdated: true, Refused: true },
  Progressing: { Pending: true, RollingOut: true, Complete: true, Stalled: true, WaitingForTurn: true },
  Available: { ReplicasAvailable: true, ReplicasUnavailable: true },
  Isolated: { ProbeRefused: true, Pending: true, UpstreamReachable: true, ProbeFailed: true, Disabled: true },
  Ready: {
    Ready: true,
    NotAccepted: true,
    CertificateNotReady: true,
    KeysNotAvailable: true,
    ConfigurationNotCurrent: true,
    Progressing: true,
    RolloutStalled: true,
    ReplicasUnavailable: true,
    EndpointNotUsable: true,
    ScaledToZero: true,
    Paused: true,
  },
  Paused: { Paused: true },
  Contested: { OtherInstallation: true },
};

describe('every reason that the API names', () => {
  const emitted = new Set(
    ALL_ROWS.flatMap(({ changes }) =>
      (status(inputs(changes)).conditions ?? []).map(({ type, reason }) => `${type} ${reason}`),
    ),
  );
  for (const refused of ['Invalid', 'TooLarge', 'UnknownField'] as const) {
    const { conditions = [] } = refusedStatus(serverObject(), { reason: refused, message: 'x' }, 0);
    for (const { type, reason } of conditions) emitted.add(`${type} ${reason}`);
  }
  for (const [type, reasons] of Object.entries(REASONS)) {
    for (const reason of Object.keys(reasons)) {
      it(`is given in some situation: ${type}, ${reason}`, () => assert.ok(emitted.has(`${type} ${reason}`)));
    }
  }
});

describe('status', () => {
  it('of a paused server stays that of the generation that was applied', () => {
    const { observedGeneration, conditions = [] } = status(inputs(paused(3, 2)));
    assert.equal(observedGeneration, 2);
    assert.deepEqual(
      conditions.map(({ type }) => type),
      CONDITION_TYPES.filter((type) => type !== 'Contested'),
    );
  });

  it('of a server that was paused before its first visit names no generation', () => {
    const { observedGeneration, address, conditions = [] } = status(inputs(paused(1)));
    assert.deepEqual([observedGeneration, address], [undefined, undefined]);
    assert.deepEqual(
      conditions.map(({ type, status: value, reason }) => [type, value, reason]),
      [
        ['Accepted', 'False', 'Paused'],
        ['CertificateReady', 'Unknown', 'Pending'],
        ['KeysAvailable', 'Unknown', 'Pending'],
        ['ConfigurationCurrent', 'Unknown', 'Pending'],
        ['Isolated', 'Unknown', 'Pending'],
        ['Progressing', 'Unknown', 'Pending'],
        ['Available', 'True', 'ReplicasAvailable'],
        ['Ready', 'False', 'Paused'],
        ['Paused', 'True', 'Paused'],
      ],
    );
  });

  it('lists all conditions on the first visit', () => {
    const first = status(inputs({ deployment: undefined, pods: [] }));
    assert.deepEqual(
      first.conditions?.map(({ type }) => type),
      CONDITION_TYPES.filter((type) => type !== 'Paused' && type !== 'Contested'),
    );
  });

  it('moves lastTransitionTime only when the status of the condition does', () => {
    const before = status(inputs());
    const server = serverObject((object) => (object.status = before));
    const later = status(inputs({ server, now: NOW + 60_000 }));
    assert.deepEqual(later.conditions, before.conditions);
    const broken = status(
      inputs({ server, now: NOW + 60_000, pods: [pod({ report: report({ serverPort: 'open' }) })] }),
    );
    const changed = broken.conditions?.filter(
      (condition, index) => condition.lastTransitionTime !== before.conditions?.[index]?.lastTransitionTime,
    );
    assert.deepEqual(
      changed?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
      [['Isolated', '2026-11-23T12:01:00Z']],
    );
  });

  it('keeps what was known until pods that run were looked at', () => {
    const before = status(inputs());
    const server = serverObject((object) => (object.status = before));
    const restarted = status(inputs({ server, pods: [pod({ report: undefined })] }));
    assert.deepEqual(restarted.conditions, before.conditions);
  });

  it('does not keep it when there is no pod to look at', () => {
    const server = serverObject((object) => (object.status = status(inputs())));
    const { conditions = [] } = status(inputs({ server, pods: [] }));
    assert.equal(conditions.find(({ type }) => type === 'KeysAvailable')?.status, 'Unknown');
  });

  it('cuts a message that the API server would refuse', () => {
    const { conditions = [] } = status(
      inputs({ failure: { reason: 'ApplyFailed', message: 'x'.repeat(5000) } }),
    );
    for (const { message } of conditions) assert.ok(message.length <= 1024);
  });

  it('gives autoscalers a selector and people the URL', () => {
    const { selector, address, replicas } = status(inputs());
    assert.equal(selector, 'app.kubernetes.io/name=protected-mcp-server,app.kubernetes.io/instance=echo');
    assert.equal(address?.url, 'https://localhost:8001/mcp');
    assert.equal(replicas, 1);
  });
});
