// The two containers of the pod: the MCP server on loopback, and the sidecar that everyone talks to.
import {
  ADMIN_PORT,
  CA_DIRECTORY,
  CONFIG_DIRECTORY,
  CONFIG_FILE,
  CONFIG_VOLUME,
  INTROSPECTION_DIRECTORY,
  PUBLIC_PORT,
  SERVER_CONTAINER,
  SIDECAR_CONTAINER,
  SIGNING_DIRECTORY,
  TLS_DIRECTORY,
  TLS_VOLUME,
  caBundleDirectory,
  caBundleVolume,
  introspectionDirectory,
  introspectionVolume,
  signingKeyDirectory,
  signingKeyVolume,
} from '../api/names.ts';
import type { JsonObject } from '../api/object.ts';
import type { EnvVar, Issuer, Server } from '../api/protected-mcp-server.gen.ts';
import { ADMIN_PATHS } from '../protocol/sidecar-status.ts';
import { ENDPOINT_REMOVAL_SECONDS, SERVER_SLEEP_SECONDS } from './drain.ts';
import type { DesiredInputs } from './inputs.ts';
import { signingKeys, type WantedKey } from './signing-keys.ts';

/** What the Pod Security Standard `restricted` asks of a container. */
const RESTRICTED: JsonObject = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

export function serverContainer({ server }: DesiredInputs): JsonObject {
  const { image, command, args, env, envFrom, resources, securityContext, volumeMounts, ...rest } =
    server.spec.server;
  const { livenessProbe, readinessProbe, startupProbe } = rest;
  return {
    name: SERVER_CONTAINER,
    image,
    ...(command && { command }),
    ...(args && { args }),
    env: serverEnv(rest.port, env ?? []),
    ...(envFrom && { envFrom }),
    ...(resources && { resources }),
    ...(volumeMounts && { volumeMounts }),
    ...(livenessProbe && { livenessProbe }),
    ...(readinessProbe && { readinessProbe }),
    ...(startupProbe && { startupProbe }),
    lifecycle: { preStop: { sleep: { seconds: SERVER_SLEEP_SECONDS } } },
    securityContext: { ...RESTRICTED, ...securityContext },
  };
}

/** One entry a name: server-side apply refuses duplicates. What the user gives wins. */
function serverEnv(port: Server['port'], given: readonly EnvVar[]): EnvVar[] {
  const defaults: EnvVar[] = [
    { name: 'HOST', value: '127.0.0.1' },
    { name: 'PORT', value: String(port) },
  ];
  const names = new Set(given.map(({ name }) => name));
  return [...defaults.filter(({ name }) => !names.has(name)), ...given];
}

export function sidecarContainer({ server, sidecarImage }: DesiredInputs): JsonObject {
  const { image, resources } = server.spec.sidecar;
  return {
    name: SIDECAR_CONTAINER,
    image: image || sidecarImage,
    args: [CONFIG_FILE],
    ports: [
      { name: 'https', containerPort: PUBLIC_PORT, protocol: 'TCP' },
      { name: 'admin', containerPort: ADMIN_PORT, protocol: 'TCP' },
    ],
    ...(resources && { resources }),
    volumeMounts: [
      { name: CONFIG_VOLUME, mountPath: CONFIG_DIRECTORY, readOnly: true },
      { name: TLS_VOLUME, mountPath: TLS_DIRECTORY, readOnly: true },
      ...server.spec.authentication.issuers.flatMap(caBundleMount),
      ...server.spec.authentication.issuers.flatMap(introspectionMount),
      ...signingKeys(server).map(signingKeyMount),
    ],
    readinessProbe: {
      httpGet: { path: ADMIN_PATHS.ready, port: 'admin' },
      periodSeconds: 5,
      failureThreshold: 2,
    },
    livenessProbe: {
      httpGet: { path: ADMIN_PATHS.live, port: 'admin' },
      periodSeconds: 10,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { sleep: { seconds: ENDPOINT_REMOVAL_SECONDS } } },
    // Why it ended is in the pod's status then, and from there in conditions.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: { ...RESTRICTED, readOnlyRootFilesystem: true },
  };
}

function caBundleMount({ jwks }: Issuer, index: number): JsonObject[] {
  if (jwks.caBundleRef === undefined) return [];
  return [{ name: caBundleVolume(index), mountPath: caBundleDirectory(CA_DIRECTORY, index), readOnly: true }];
}

function introspectionMount({ introspection }: Issuer, index: number): JsonObject[] {
  if (introspection === undefined) return [];
  const mountPath = introspectionDirectory(INTROSPECTION_DIRECTORY, index);
  return [{ name: introspectionVolume(index), mountPath, readOnly: true }];
}

function signingKeyMount({ use }: WantedKey): JsonObject {
  const mountPath = signingKeyDirectory(SIGNING_DIRECTORY, use);
  return { name: signingKeyVolume(use), mountPath, readOnly: true };
}
