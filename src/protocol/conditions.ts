// Condition types and their reasons. Both are API: users and tools match on them, so none is renamed or reused.

export type ConditionType =
  'Accepted' | 'CertificateReady' | 'KeysAvailable' | 'Isolated' | 'Ready' | 'Paused';

/** In the order in which they become true, and in which `status.conditions` lists them. `Paused` only while it is. */
export const CONDITION_TYPES = [
  'Accepted',
  'CertificateReady',
  'KeysAvailable',
  'Isolated',
  'Ready',
  'Paused',
] as const satisfies readonly ConditionType[];

type ConditionStatus = 'True' | 'False' | 'Unknown';

/** Whether the objects of this generation were applied. */
type AcceptedReason = 'Accepted' | 'ObjectNotOwned' | 'ApplyFailed' | 'Invalid' | 'TooLarge' | 'Paused';

/** Whether port 8001 has a certificate that is valid for the resource's host. */
export type CertificateReadyReason =
  'Issued' | 'Pending' | 'Expired' | 'HostNotCovered' | 'CertManagerNotInstalled';

/** Whether the sidecars hold keys of every issuer. */
export type KeysAvailableReason =
  'KeysLoaded' | 'Pending' | 'IssuerUnreachable' | 'DiscoveryFailed' | 'NoUsableKey';

/** Whether only the sidecar's ports answer. `UpstreamReachable`: a connection to the server's port succeeded. */
type IsolatedReason = 'ProbeRefused' | 'Pending' | 'UpstreamReachable' | 'ProbeFailed' | 'Disabled';

/** Whether clients with a valid token can use the server. */
export type ReadyReason =
  | 'Ready'
  | 'NotAccepted'
  | 'CertificateNotReady'
  | 'KeysNotAvailable'
  | 'Progressing'
  | 'ReplicasUnavailable'
  | 'ScaledToZero'
  | 'Paused';

/** Whether the operator leaves the server alone because its annotation says so. */
type PausedReason = 'Paused';

/** The reasons that each condition can have. */
export interface ConditionReasons {
  Accepted: AcceptedReason;
  CertificateReady: CertificateReadyReason;
  KeysAvailable: KeysAvailableReason;
  Isolated: IsolatedReason;
  Ready: ReadyReason;
  Paused: PausedReason;
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
