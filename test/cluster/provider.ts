// What a cluster for tests can do, by whatever it is provided. Does none of it.

/** Processes that a test may end and start again. */
export const COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
] as const;
export type Component = (typeof COMPONENTS)[number];

/** Something that the person at the keyboard can set right; the message says how. */
export class SettingError extends Error {
  readonly code = 'ERR_CLUSTER_SETTING';
}

export interface Image {
  readonly name: string;
  /** The directory that COPY reads from. */
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly buildArguments?: Readonly<Record<string, string>>;
}

export interface ExecOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Provider {
  readonly name: 'kind' | 'bare';
  /** Path of the administrator's kubeconfig, whether the cluster is up or not. */
  readonly kubeconfig: string;
  /** What kubectl and helm need to know. */
  readonly variables: Readonly<Record<string, string>>;
  /** Directory with kubectl, helm (3) and helm4, where the provider brings them. */
  readonly bin: string | undefined;
  /** Idempotent; returns when the node is ready and cluster DNS answers. */
  up(): Promise<void>;
  /** Idempotent; removes what `up` made and nothing else. */
  down(): Promise<void>;
  /** Lines for people; `up` says whether the node is ready. */
  status(): Promise<{ readonly up: boolean; readonly lines: readonly string[] }>;
  /** The base image to build on, made first where none can be pulled. */
  baseImage(): Promise<string>;
  /** Builds an image and puts it where the node finds it. */
  load(image: Image): Promise<void>;
  /** Makes sure that the node can have Keycloak's official image: by pulling it, or one of the same name made here. */
  loadKeycloak(): Promise<void>;
  /** This machine's address as pods see it, and the node's as this machine sees it. */
  addresses(): Promise<{ readonly host: string; readonly node: string }>;
  /** Makes the program available that plays simulated nodes. */
  startSimulator(): Promise<void>;
  stopSimulator(): Promise<void>;
  /** SIGKILL; it stays down until `start`. */
  kill(component: Component): Promise<void>;
  /** Returns when the process runs, which may be before it answers. */
  start(component: Component): Promise<void>;
  /** Forgets all history of etcd but the newest revision, which it returns. */
  compactEtcd(): Promise<number>;
  /** Runs a command in the node's network namespace; returns what it printed, and throws when it fails. */
  exec(command: string, args: readonly string[], options?: ExecOptions): Promise<string>;
}
