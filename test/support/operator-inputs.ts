// Inputs of the operator's pure code, good in every respect unless a test changes something.
import type { Inputs, PodState, SidecarReport } from '../../src/operator/inputs.ts';
import type { Deployment, ServerObject } from '../../src/operator/kinds.ts';
import type { Permitted } from '../../src/operator/refusal.ts';
import type { ReportedStatus } from '../../src/operator/sidecar-status.ts';
import { sample, validServer } from './manifests.ts';

export const NOW = Date.parse('2026-11-23T12:00:00Z');
const DAY_MS = 86_400_000;

/** The sample, read through the CRD's schema once. */
let checked: ServerObject | undefined;

/** What the chart lets resources have by default. */
export const PERMITTED: Permitted = {
  podSecurity: 'restricted',
  serviceTypes: ['ClusterIP'],
  serviceAnnotations: ['prometheus.io/*'],
};

export function serverObject(change: (server: ServerObject) => void = () => {}): ServerObject {
  checked ??= validServer(sample('echo')) as unknown as ServerObject; // with defaults, as the API server stores it
  const server = structuredClone(checked);
  Object.assign(server.metadata, { namespace: 'demo', uid: 'server-uid', generation: 3 });
  change(server);
  return server;
}

export function sidecarStatus(changes: Partial<ReportedStatus> = {}): ReportedStatus {
  return {
    resource: 'https://echo.example.com:8001/mcp',
    ready: true,
    problems: [],
    issuers: [
      {
        issuer: 'https://idp.example.com/realms/r',
        keys: 2,
        loadedAt: '2026-11-23T11:59:00Z',
        lastError: undefined,
        mismatch: undefined,
      },
    ],
    certificate: { subjectAltName: 'DNS:localhost', notAfter: '2027-01-01T00:00:00Z' },
    configDigest: 'digest',
    server: { reachable: true, endpoint: 'usable' },
    ...changes,
  };
}

export function report(changes: Partial<SidecarReport> = {}): SidecarReport {
  return { status: sidecarStatus(), error: undefined, serverPort: 'closed', ...changes };
}

export function pod(changes: Partial<PodState> = {}): PodState {
  return {
    uid: 'pod-uid',
    name: 'echo-1',
    ip: '10.0.0.1',
    ready: true,
    template: '5d8f',
    createdAt: NOW - 60_000,
    starting: false,
    configuration: undefined,
    trouble: undefined,
    report: report(),
    ...changes,
  };
}

export function deployment(
  changes: Partial<NonNullable<Deployment['status']>> = {},
  replicas = 1,
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'echo', namespace: 'demo', generation: 2 },
    spec: { replicas },
    status: {
      observedGeneration: 2,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      ...changes,
    },
  };
}

export function inputs(changes: Partial<Inputs> = {}): Inputs {
  return {
    server: serverObject(),
    now: NOW,
    paused: false,
    contender: undefined,
    failure: undefined,
    certificate: { source: 'issued', notAfter: NOW + 90 * DAY_MS, renewAt: NOW + 60 * DAY_MS },
    deployment: deployment(),
    pods: [pod()],
    configDigest: 'digest',
    applied: undefined,
    isWaiting: false,
    ...changes,
  };
}
