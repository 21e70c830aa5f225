// Everything that the conditions are made from: what was observed, and what came of acting on it. The checks are functions of it.
import type { Applied } from '../api/protected-mcp-server.gen.ts';
import type { KubeObject } from '../kube/object.ts';
import type { AcceptedReason } from '../protocol/conditions.ts';
import type { RefusedHost } from './host-ownership.ts';
import type { Deployment, ServerObject } from './kinds.ts';
import type { ReportedStatus } from './sidecar-status.ts';

/** The status of a sidecar, and whether its server could be reached without it. */
export interface SidecarReport {
  /** Undefined when the admin port did not answer. */
  readonly status: ReportedStatus | undefined;
  readonly error: string | undefined;
  /** The outcome of a connection to the server's port from outside the pod. */
  readonly serverPort: 'closed' | 'open' | 'unknown';
}

export interface PodState {
  readonly uid: string;
  readonly name: string;
  readonly ip: string | undefined;
  readonly ready: boolean;
  /** The pod template that it was made from, as the Deployment's controller calls it (label `pod-template-hash`). */
  readonly template: string;
  /** When it was made (milliseconds since the epoch). */
  readonly createdAt: number;
  /** Whether its containers are not made yet. */
  readonly starting: boolean;
  /** Its annotation about the configuration; see config-nudge. */
  readonly configuration: string | undefined;
  /** What keeps it from running: a container that does not start or ends, a missing Secret, no node. */
  readonly trouble: string | undefined;
  readonly report: SidecarReport | undefined;
}

/** Where the certificate of port 8001 comes from, and how far it is. Times are milliseconds since the epoch. */
export type CertificateState =
  | {
      readonly source: 'issued';
      readonly notAfter: number;
      readonly renewAt: number;
      /** The resource's host, where it must not be certified and is left out. */
      readonly refused?: RefusedHost | undefined;
      /** Why it cannot be renewed; undefined when it can. */
      readonly lost?: string | undefined;
    }
  /** The operator's own authority has issued none. */
  | {
      readonly source: 'none';
      /** Why it cannot; undefined when it can. */
      readonly lost?: string | undefined;
    }
  | { readonly source: 'secret'; readonly secretName: string }
  | {
      readonly source: 'cert-manager';
      readonly installed: boolean;
      readonly ready: boolean;
      readonly message: string | undefined;
    };

/** Why an object was not applied, where retrying does not help. Every other error is thrown, and retried. */
export interface ApplyFailure {
  /** `Invalid`, `TooLarge` and `UnknownField`: nothing can be made of the server, and nothing was applied at all. */
  readonly reason: Exclude<AcceptedReason, 'Accepted' | 'Paused'>;
  readonly message: string;
}

/** An object with the name of a desired one exists, and the server does not own it. */
export function notOwned({ kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): ApplyFailure {
  const message =
    `${kind} ${metadata.namespace}/${metadata.name} exists and does not belong to this ProtectedMcpServer: delete or ` +
    'rename it, or give the ProtectedMcpServer another name.';
  return { reason: 'ObjectNotOwned', message };
}

export interface Inputs {
  readonly server: ServerObject;
  readonly now: number;
  /** Whether the server is paused: then nothing was applied, and `failure` is what was known before. */
  readonly paused: boolean;
  /** Another installation of the operator that watches the namespace, and stands by; undefined when there is none. */
  readonly contender: string | undefined;
  /** Undefined when every object is applied. */
  readonly failure: ApplyFailure | undefined;
  readonly certificate: CertificateState;
  /** The Deployment as it is; undefined when there is none. */
  readonly deployment: Deployment | undefined;
  readonly pods: readonly PodState[];
  /** SHA-256 of the configuration that the sidecars should have in force. */
  readonly configDigest: string;
  /** What was applied last; undefined when nothing was. */
  readonly applied: Applied | undefined;
  /** Whether there is a newer version of the operator's own part. */
  readonly isWaiting: boolean;
}
