// Condition types and their reasons. Both are API: users and tools match on them, so none is renamed or reused.

export type ConditionType = 'Accepted' | 'CertificateReady' | 'KeysAvailable' | 'Isolated' | 'Ready';

/** In the order in which they become true, and in which `status.conditions` lists them. */
export const CONDITION_TYPES = [
  'Accepted',
  'CertificateReady',
  'KeysAvailable',
  'Isolated',
  'Ready',
] as const satisfies readonly ConditionType[];

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** Whether the spec can be carried out: what the schema cannot check, because it needs other objects. */
export type AcceptedReason =
  'Accepted' | 'ReferenceNotFound' | 'ReferenceInvalid' | 'ObjectNotOwned' | 'Paused' | 'ApplyFailed';

/** Whether port 8001 has a certificate that is valid for the resource's host. */
export type CertificateReadyReason =
  | 'Issued'
  | 'Pending'
  | 'SecretNotFound'
  | 'SecretInvalid'
  | 'Expired'
  | 'HostNotCovered'
  | 'CertManagerNotInstalled';

/** Whether the sidecars hold keys of every issuer. */
export type KeysAvailableReason =
  'KeysLoaded' | 'Pending' | 'IssuerUnreachable' | 'DiscoveryFailed' | 'NoUsableKey';

/** Whether only the sidecar's ports answer. `UpstreamReachable`: a connection to the server's port succeeded. */
export type IsolatedReason = 'ProbeRefused' | 'Pending' | 'UpstreamReachable' | 'ProbeFailed' | 'Disabled';

/** Whether clients with a valid token can use the server. */
export type ReadyReason =
  | 'Ready'
  | 'NotAccepted'
  | 'CertificateNotReady'
  | 'KeysNotAvailable'
  | 'NotIsolated'
  | 'Progressing'
  | 'ReplicasUnavailable'
  | 'ScaledToZero';

/** The reasons that each condition can have. */
export interface ConditionReasons {
  Accepted: AcceptedReason;
  CertificateReady: CertificateReadyReason;
  KeysAvailable: KeysAvailableReason;
  Isolated: IsolatedReason;
  Ready: ReadyReason;
}

/** One condition without its times: a verdict, typed so that a reason cannot end up in the wrong condition. */
export type Verdict<T extends ConditionType = ConditionType> = {
  [K in T]: {
    readonly type: K;
    readonly status: ConditionStatus;
    readonly reason: ConditionReasons[K];
    /** For people; says the next step. */
    readonly message: string;
  };
}[T];
