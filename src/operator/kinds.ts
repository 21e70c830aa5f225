// The kinds that the operator reads and writes, and the fields of them that it uses.
import type { ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import { API_VERSION, KIND } from '../api/names.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { isTampered } from './foreign-fields.ts';

/** The resource as the API server has it: with defaults, and with a uid. */
export type ServerObject = ProtectedMcpServer & KubeObject;

export interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Record<string, string> };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    /** Why the whole pod failed, such as `Evicted`. */
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
  readonly ready: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  /** How it was before its last restart. */
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode: number; readonly message?: string };
}

/** What a component of the cluster says of an object. */
export interface ObjectEvent extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** cert-manager's request for a certificate. */
export interface Certificate extends KubeObject {
  readonly status?: {
    readonly notAfter?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

const core = <T extends KubeObject>(kind: string, plural: string): Resource<T> => ({
  apiVersion: 'v1',
  kind,
  plural,
  namespaced: true,
});
/** Of a server: nothing in it is others' to add. */
const child = <T extends KubeObject>(resource: Resource<T>): Resource<T> => ({
  ...resource,
  keepsRecord: isTampered,
});

export const SERVERS: Resource<ServerObject> = {
  apiVersion: API_VERSION,
  kind: KIND,
  plural: 'protectedmcpservers',
  namespaced: true,
};
export const CONFIG_MAPS: Resource<ConfigMap> = child(core('ConfigMap', 'configmaps'));
export const SERVICES = child(core('Service', 'services'));
const SERVICE_ACCOUNTS = child(core('ServiceAccount', 'serviceaccounts'));
export const SECRETS: Resource<Secret> = core('Secret', 'secrets');
export const PODS: Resource<Pod> = core('Pod', 'pods');
/** As the kubelet writes them. */
export const POD_EVENTS: Resource<ObjectEvent> = core('Event', 'events');
export const DEPLOYMENTS: Resource<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  keepsRecord: isTampered,
};
export const NETWORK_POLICIES: Resource = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
  keepsRecord: isTampered,
};
const DISRUPTION_BUDGETS: Resource = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
  keepsRecord: isTampered,
};
export const CERTIFICATES: Resource<Certificate> = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  plural: 'certificates',
  namespaced: true,
};

/** Kinds of objects that belong to a server and are watched. Secrets are not among them: the operator cannot read them. */
export const CHILD_KINDS: readonly Resource[] = [
  SERVICE_ACCOUNTS,
  CONFIG_MAPS,
  SERVICES,
  NETWORK_POLICIES,
  DISRUPTION_BUDGETS,
  DEPLOYMENTS,
];

/** How the API server calls an object of one of these kinds. */
export function resourceOf({ kind }: Pick<KubeObject, 'kind'>): Resource {
  const resource = [...CHILD_KINDS, CERTIFICATES].find((candidate) => candidate.kind === kind);
  if (resource === undefined) throw new Error(`kind ${kind} is missing in kinds.ts`);
  return resource;
}
