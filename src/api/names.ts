// Every derived name, label, annotation, port and path, in one place. When they are used is not decided here.

export const API_VERSION = 'protectedmcp.dev/v1alpha1';
export const KIND = 'ProtectedMcpServer';

/** Container names in the pod. */
export const SERVER_CONTAINER = 'server';
export const SIDECAR_CONTAINER = 'auth-sidecar';

/** The sidecar's public port (TLS): the MCP path and the metadata documents, nothing else. */
export const PUBLIC_PORT = 8001;
/** The sidecar's admin port (plain, pod network): probes, metrics, status. */
export const ADMIN_PORT = 9001;

/** Paths in the sidecar's container. Whole directories are mounted, so that changes arrive without a restart. */
export const CONFIG_DIRECTORY = '/etc/protected-mcp/config';
export const CONFIG_FILE_NAME = 'config.json';
export const CONFIG_FILE = `${CONFIG_DIRECTORY}/${CONFIG_FILE_NAME}`;
export const TLS_DIRECTORY = '/etc/protected-mcp/tls';
export const TLS_CERTIFICATE_FILE_NAME = 'tls.crt';
export const TLS_KEY_FILE_NAME = 'tls.key';
export const CA_DIRECTORY = '/etc/protected-mcp/ca';
export const CA_FILE_NAME = 'ca.crt';

/** The directory of one issuer's CA bundle below `base`; issuers are counted from 0. */
export function caBundleDirectory(base: string, issuer: number): string {
  return `${base}/${issuer}`;
}

export const INTROSPECTION_DIRECTORY = '/etc/protected-mcp/introspection';
export const CLIENT_ID_FILE_NAME = 'client_id';
export const CLIENT_SECRET_FILE_NAME = 'client_secret';

/** The directory of the credentials for one issuer below `base`; issuers are counted from 0. */
export function introspectionDirectory(base: string, issuer: number): string {
  return `${base}/${issuer}`;
}

export const SIGNING_DIRECTORY = '/etc/protected-mcp/signing';
export const SIGNING_KEY_FILE_NAME = 'private.key';

/** What the sidecar signs with a key of its own. */
export const SIGNING_USES = ['metadata', 'identity'] as const;
export type SigningUse = (typeof SIGNING_USES)[number];

/** The directory of one private key below `base`. */
export function signingKeyDirectory(base: string, use: SigningUse): string {
  return `${base}/${use}`;
}

/** Volumes of the sidecar. The CRD refuses volumes and mounts of users that begin so. */
export const SIDECAR_VOLUME_PREFIX = 'protected-mcp-';
export const CONFIG_VOLUME = 'protected-mcp-config';
export const TLS_VOLUME = 'protected-mcp-tls';
export function caBundleVolume(issuer: number): string {
  return `protected-mcp-ca-${issuer}`;
}
export function introspectionVolume(issuer: number): string {
  return `protected-mcp-introspection-${issuer}`;
}
export function signingKeyVolume(use: SigningUse): string {
  return `protected-mcp-signing-${use}`;
}

/** The name of an object that belongs to one server. The CRD keeps `name` at 52 characters or fewer. */
interface ObjectNames {
  readonly deployment: string;
  readonly service: string;
  readonly serviceAccount: string;
  readonly networkPolicy: string;
  readonly podDisruptionBudget: string;
  readonly configMap: string;
  readonly tlsSecret: string;
  /** Not `tlsSecret`: cert-manager keeps what it wrote, and must not write what the operator issued. */
  readonly certManagerSecret: string;
  readonly certificate: string;
  readonly authorityConfigMap: string;
}

export function objectNames(name: string): ObjectNames {
  return {
    deployment: name,
    service: name,
    serviceAccount: name,
    networkPolicy: name,
    podDisruptionBudget: name,
    configMap: `${name}-sidecar`,
    tlsSecret: `${name}-tls`,
    certManagerSecret: `${name}-cert-manager-tls`,
    certificate: `${name}-tls`,
    authorityConfigMap: `${name}-ca`,
  };
}

/** The ConfigMap that says which installation of the operator manages a namespace. */
export const CLAIM_NAME = 'protected-mcp-operator';

export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = 'protected-mcp-operator';

/** The name of the server that an object belongs to. */
export const INSTANCE_LABEL = 'app.kubernetes.io/instance';
/** On the Secrets in the operator's namespace that hold issued certificates. */
export const CERTIFICATE_LABEL = 'protectedmcp.dev/certificate';
/** On the same Secrets: the server they are for, `namespace/name`. Their own names are digests. */
export const SERVER_ANNOTATION = 'protectedmcp.dev/server';
/** A digest of what an object was made from: a field that is no longer desired shows only here. */
export const DESIRED_HASH_ANNOTATION = 'protectedmcp.dev/desired-hash';
/** On a Deployment: its certificate was delivered by the operator, before the Deployment was applied. */
export const DELIVERED_ANNOTATION = 'protectedmcp.dev/certificate-delivered';
/** On a Deployment: which version of what the operator itself gives to pods it has. */
export const REVISION_ANNOTATION = 'protectedmcp.dev/revision';
/** On a pod: which configuration the kubelet was made to bring, how often, and when. */
export const CONFIGURATION_ANNOTATION = 'protectedmcp.dev/configuration';
/** On a ProtectedMcpServer, unless its value says no: no object of it is written or deleted until it is removed. */
export const PAUSED_ANNOTATION = 'protectedmcp.dev/paused';

/** What finds the pods of one server. Immutable in a Deployment: never add to it. */
export function selectorLabels(name: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'protected-mcp-server',
    [INSTANCE_LABEL]: name,
  };
}

/** The labels of every object that belongs to one server. */
export function objectLabels(name: string): Record<string, string> {
  return {
    ...selectorLabels(name),
    'app.kubernetes.io/component': 'mcp-server',
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
}

/** The names by which pods of the same cluster reach the Service, shortest first. */
export function serviceHosts(name: string, namespace: string): string[] {
  return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
}
