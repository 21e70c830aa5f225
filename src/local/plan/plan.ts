// PURE: resource and options -> what local mode starts. The same desired() as in a cluster; only the placement differs.
import { ADMIN_PORT, PUBLIC_PORT } from '../../api/names.ts';
import type { ProtectedMcpServer } from '../../api/protected-mcp-server.gen.ts';
import { sidecarConfig, type Placement } from '../../desired/index.ts';
import { isLoopback } from '../../protocol/host.ts';
import type { SidecarConfig } from '../../sidecar/config/config.ts';
import type { Manifests } from '../manifests/validation.ts';
import type { LocalOptions } from '../options.ts';
import { authorizationServer, caConfigMap, trustedIssuers, type AuthorizationServerPlan } from './issuers.ts';
import { combine, map, success, type Result } from './result.ts';
import { serverProcess, type ServerProcess } from './server-process.ts';
import { certificateSource, sidecarFiles, type CertificateSource } from './sidecar-files.ts';

interface PlanInputs {
  readonly manifests: Manifests;
  readonly options: LocalOptions;
  /** PEM of the local CA, and of `--ca-file` where it was given. */
  readonly localCa: string;
  readonly issuerCa: string | undefined;
  /** The run's own directory: certificates, CA bundles and the sidecar's configuration are written below it. */
  readonly directory: string;
}

export interface Plan {
  readonly server: ProtectedMcpServer;
  readonly config: SidecarConfig;
  readonly upstream: { readonly url: string; readonly port: number };
  /** How to start the MCP server; undefined where one already runs. */
  readonly process: ServerProcess | undefined;
  /** The authorization server to start; undefined where it stands in for none of the issuers. */
  readonly authorizationServer: AuthorizationServerPlan | undefined;
  readonly certificate: CertificateSource;
  /** Content of the other files that the sidecar's configuration names, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** What the resource asks for and a single machine cannot give. */
  readonly notes: readonly string[];
}

/** Everything that local mode will start, or every reason why it cannot. */
export function plan(chosen: ProtectedMcpServer, inputs: PlanInputs): Result<Plan> {
  const { manifests, options, localCa, issuerCa } = inputs;
  const server = onThisMachine(chosen, inputs);
  const objects = [...manifests.configMaps, ...manifests.secrets, caConfigMap(issuerCa ?? localCa)];
  const placement = placementOf(server, inputs);
  const { signingDirectory } = placement;
  const config = sidecarConfig(server, placement);
  const { port } = server.spec.server;
  const parts = combine({
    process: options.upstream === undefined ? serverProcess(server, objects) : success(undefined),
    certificate: certificateSource(server, objects),
    files: sidecarFiles({ server, config, signingDirectory, objects }),
  });
  return map(parts, (made) => ({
    ...made,
    server,
    config,
    upstream: { url: config.upstream.url, port },
    authorizationServer: options.issuer === undefined ? authorizationServer(server) : undefined,
    notes: notes(server),
  }));
}

/** What a cluster would give the resource: an address, and trust in the authorization server on this machine. */
function onThisMachine(server: ProtectedMcpServer, { options, issuerCa }: PlanInputs): ProtectedMcpServer {
  const { spec } = server;
  const issuerGiven = options.issuer !== undefined;
  const issuers = trustedIssuers(spec.authentication.issuers, { issuerGiven, issuerCa });
  const { resource = `https://localhost:${PUBLIC_PORT}${spec.server.path}` } = spec.protectedResourceMetadata;
  return {
    ...server,
    spec: {
      ...spec,
      protectedResourceMetadata: { ...spec.protectedResourceMetadata, resource },
      authentication: { ...spec.authentication, issuers },
    },
  };
}

function placementOf(server: ProtectedMcpServer, { options, directory }: PlanInputs): Placement {
  return {
    listen: { host: '127.0.0.1', port: publicPort(server) },
    admin: { host: '127.0.0.1', port: options.adminPort ?? ADMIN_PORT },
    tlsDirectory: `${directory}/tls`,
    caDirectory: `${directory}/ca`,
    signingDirectory: `${directory}/signing`,
    introspectionDirectory: `${directory}/introspection`,
    upstreamHost: options.upstream?.hostname ?? '127.0.0.1',
    extraPublicHosts: [],
  };
}

function publicPort({ spec }: ProtectedMcpServer): number {
  const { hostname, port } = new URL(spec.protectedResourceMetadata.resource ?? '');
  return isLoopback(hostname) ? Number(port || 443) : PUBLIC_PORT;
}

/** Fields that a cluster acts on and one machine has no use for: named, so that they are not missed later. */
function notes({ spec }: ProtectedMcpServer): string[] {
  const unused = [
    ['spec.replicas', spec.replicas],
    ['spec.podTemplate', spec.podTemplate],
    ['spec.server.envFrom', spec.server.envFrom],
    ['spec.server.volumeMounts', spec.server.volumeMounts],
    ['spec.server.resources', spec.server.resources],
    ['spec.tls.issuerRef', spec.tls?.issuerRef],
    ['spec.sidecar.image', spec.sidecar.image],
    ['spec.sidecar.resources', spec.sidecar.resources],
  ] as const;
  const given = unused.filter(([, value]) => isGiven(value)).map(([path]) => path);
  return given.length === 0 ? [] : [`ignored without a cluster: ${given.join(', ')}`];
}

function isGiven(value: unknown): boolean {
  if (typeof value === 'object') return Object.keys(value ?? {}).length > 0;
  return value !== undefined && value !== '';
}
