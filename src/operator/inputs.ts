// Everything that one reconcile decides on, read once and not changed: the checks and the status are functions of it.
import type { Status as SidecarStatus } from '../sidecar/observability/admin.ts';
import type { Deployment, ServerObject } from './kinds.ts';

/** What a sidecar said of itself, and whether its server could be reached past it. */
export interface SidecarReport {
  /** Undefined when the admin port did not answer. */
  readonly status: SidecarStatus | undefined;
  readonly error: string | undefined;
  /** The outcome of a connection to the server's port from outside the pod. */
  readonly serverPort: 'closed' | 'open' | 'unknown';
}

export interface PodState {
  readonly uid: string;
  readonly name: string;
  readonly ip: string | undefined;
  readonly ready: boolean;
  /** Why a container of the pod does not start, or why the pod is not placed. */
  readonly trouble: string | undefined;
  readonly report: SidecarReport | undefined;
}

/** Where the certificate of port 8001 comes from. Times are milliseconds since the epoch. */
export type CertificateState =
  | {
      readonly source: 'issued';
      readonly notAfter: number;
      readonly renewAt: number;
      /** The resource's host, where it belongs to somebody else and is left out. */
      readonly foreignHost?: string | undefined;
    }
  | { readonly source: 'secret'; readonly secretName: string }
  | {
      readonly source: 'cert-manager';
      readonly installed: boolean;
      readonly ready: boolean;
      readonly message: string | undefined;
    };

/** Why the objects of a server are not as they should be. */
export interface Refusal {
  readonly reason: 'ObjectNotOwned' | 'ApplyFailed';
  readonly message: string;
}

export interface Inputs {
  readonly server: ServerObject;
  readonly now: number;
  /** Undefined when every object was applied. */
  readonly refusal: Refusal | undefined;
  readonly certificate: CertificateState;
  /** The Deployment as it is; undefined when there is none. */
  readonly deployment: Deployment | undefined;
  readonly pods: readonly PodState[];
  /** SHA-256 of the configuration that the sidecars should have in force. */
  readonly configDigest: string;
}
