// The levels of Kubernetes' Pod Security Standards, and what a pod that breaks one is told. Not the controls.

/** What a server's pod may ask for: `unrestricted` is what Kubernetes calls `privileged`. */
export const POD_SECURITY_LEVELS = ['restricted', 'baseline', 'unrestricted'] as const;
export type PodSecurityLevel = (typeof POD_SECURITY_LEVELS)[number];

/** The levels that have controls. */
export type ControlledLevel = Exclude<PodSecurityLevel, 'unrestricted'>;

export interface Violation {
  /** The field of the resource that must change. */
  readonly path: string;
  /** In the words of Kubernetes' own PodSecurity admission. */
  readonly message: string;
}
