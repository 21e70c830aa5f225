// Condition types and their reasons. Both are API: users and tools match on them, so none is renamed or reused.

/** In the order in which they become true, and in which `status.conditions` lists them. The last two only while they are. */
export const CONDITION_TYPES = [
  'Accepted',
  'CertificateReady',
  'KeysAvailable',
  'ConfigurationCurrent',
  'Isolated',
  'Progressing',
  'Available',
  'Ready',
  'Paused',
  'Contested',
] as const;

export type ConditionType = (typeof CONDITION_TYPES)[number];

type ConditionStatus = 'True' | 'False' | 'Unknown';

/** Whether the objects of this generation were applied. */
export type AcceptedReason =
  | 'Accepted'
  | 'ObjectNotOwned'
  | 'ApplyFailed'
  | 'Invalid'
  | 'TooLarge'
  | 'PodSecurityViolation'
  | 'ServiceNotAllowed'
  | 'UnknownField'
  | 'Paused';

/** Whether port 8001 has a certificate that is valid for the resource's host. */
export type CertificateReadyReason =
  | 'Issued'
  | 'Pending'
  | 'Expired'
  | 'HostNotCovered'
  | 'HostNotAllowed'
  | 'HostInUse'
  | 'AuthorityLost'
  | 'CertManagerNotInstalled';

/** Whether the sidecars hold keys of every issuer. */
export type KeysAvailableReason =
  'KeysLoaded' | 'Pending' | 'IssuerUnreachable' | 'DiscoveryFailed' | 'NoUsableKey';

/** Whether every sidecar has the newest configuration in force. `Refused`: it cannot use it, and keeps the one before. */
export type ConfigurationCurrentReason = 'Current' | 'Pending' | 'Outdated' | 'Refused';

/** Whether only the sidecar's ports answer. `UpstreamReachable`: a connection to the server's port succeeded. */
type IsolatedReason = 'ProbeRefused' | 'Pending' | 'UpstreamReachable' | 'ProbeFailed' | 'Disabled';

/**
 * Whether a new version is on its way. False when it has arrived, `Complete`, when it does not get on, `Stalled`, and while
 * the newest version of the operator's own part goes to other servers first, `WaitingForTurn`.
 */
export type ProgressingReason = 'Pending' | 'RollingOut' | 'Complete' | 'Stalled' | 'WaitingForTurn';

/** Whether any version serves, the newest or one before. */
type AvailableReason = 'ReplicasAvailable' | 'ReplicasUnavailable';

/** Whether clients with a valid token can use this generation of the server. */
export type ReadyReason =
  | 'Ready'
  | 'NotAccepted'
  | 'CertificateNotReady'
  | 'KeysNotAvailable'
  | 'ConfigurationNotCurrent'
  | 'Progressing'
  | 'RolloutStalled'
  | 'ReplicasUnavailable'
  | 'EndpointNotUsable'
  | 'ScaledToZero'
  | 'Paused';

/** Whether the operator leaves the server alone because its annotation says so. */
type PausedReason = 'Paused';

/** Whether another installation of the operator watches the namespace too. */
type ContestedReason = 'OtherInstallation';

/** The reasons that each condition can have. */
export interface ConditionReasons {
  Accepted: AcceptedReason;
  CertificateReady: CertificateReadyReason;
  KeysAvailable: KeysAvailableReason;
  ConfigurationCurrent: ConfigurationCurrentReason;
  Progressing: ProgressingReason;
  Available: AvailableReason;
  Isolated: IsolatedReason;
  Ready: ReadyReason;
  Paused: PausedReason;
  Contested: ContestedReason;
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
