// PURE: resource and options -> what local mode starts. The same desired() as in a cluster; only the place differs.
import type { KubeObject } from '../api/object.ts';
import type { EnvVar, Issuer, ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import {
  CLIENT_ID_FILE_NAME,
  CLIENT_SECRET_FILE_NAME,
  SIGNING_KEY_FILE_NAME,
  serviceHosts,
  signingKeyDirectory,
} from '../api/names.ts';
import { desired, sidecarConfig, type Place } from '../desired/index.ts';
import { signingKeys } from '../desired/signing-keys.ts';
import { serverContainer } from '../desired/containers.ts';
import type { SidecarConfig } from '../sidecar/config/config.ts';
import type { Options } from './options.ts';
import type { Manifests } from './manifests/validation.ts';

/** What local mode runs in place of an image that it knows. */
const ECHO_IMAGE = /(^|\/)mcp-echo-server(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/;
const LOCAL_CA = 'protected-mcp-local-ca';
const LOCALHOST = new Set(['localhost', '127.0.0.1', '[::1]']);
const DEFAULT_PORT = 8001;
const DEFAULT_ADMIN_PORT = 9001;

export interface PlanInputs {
  readonly manifests: Manifests;
  readonly options: Options;
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
  /** The authorization server to start; undefined where none of the issuers is ours to play. */
  readonly authorizationServer: AuthorizationServerPlan | undefined;
  /** A certificate and key from a Secret, or the names that the local CA must certify. */
  readonly certificate: { readonly given: GivenCertificate } | { readonly dnsNames: readonly string[] };
  /** PEM bundles to write, by path. */
  readonly caBundles: ReadonlyMap<string, string>;
  /** Credentials of the sidecar at issuers, by path. */
  readonly credentials: ReadonlyMap<string, string>;
  /** Private keys that the sidecar signs with (PEM), by path. */
  readonly signingKeys: ReadonlyMap<string, string>;
  /** What the resource asks for and a single machine cannot give. */
  readonly notes: readonly string[];
}

export type ServerProcess =
  | { readonly kind: 'echo'; readonly env: Environment }
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly env: Environment };

type Environment = Readonly<Record<string, string>>;

export interface AuthorizationServerPlan {
  readonly port: number;
  readonly realm: string;
  /** Scope -> audience that it brings into a token. */
  readonly audiences: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
}

export interface GivenCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A problem of the resource that only shows where it is to run: its field path and what to do. */
export interface PlanProblem {
  readonly path: string;
  readonly message: string;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly problems: readonly PlanProblem[] };

/** Chooses the server to run and applies the command line to it. */
export function chooseServer(manifests: Manifests, options: Options): ProtectedMcpServer | PlanProblem {
  const { servers } = manifests;
  const names = servers.map(({ metadata }) => metadata.name).join(', ');
  const chosen =
    options.name === undefined ? servers : servers.filter(({ metadata }) => metadata.name === options.name);
  const [server] = chosen;
  if (server === undefined)
    return { path: '--name', message: `there is no "${options.name}" here, only: ${names}` };
  if (chosen.length > 1)
    return { path: '', message: `several ProtectedMcpServers: choose one with --name: ${names}` };
  return applyOptions(server, options);
}

function applyOptions(server: ProtectedMcpServer, { upstream, issuer }: Options): ProtectedMcpServer {
  const { spec } = server;
  const { scopesSupported, ...metadata } = spec.protectedResourceMetadata;
  return {
    ...server,
    spec: {
      ...spec,
      ...(upstream && { server: { ...spec.server, port: Number(upstream.port), path: upstream.pathname } }),
      ...(issuer && {
        protectedResourceMetadata: {
          ...metadata,
          ...(issuer.scopes.length > 0 && { scopesSupported: [...issuer.scopes] }),
        },
        authentication: {
          ...spec.authentication,
          issuers: [issuerOf(spec.authentication.issuers[0], issuer)],
        },
      }),
    },
  };
}

/** The first issuer of the resource lends what the command line does not say: algorithms and profile. */
function issuerOf(
  first: Issuer | undefined,
  { issuer, audience }: { issuer: string; audience: string },
): Issuer {
  if (first === undefined) throw new Error('the CRD requires at least one issuer');
  // Another authorization server: nothing is asked of it with credentials that were made for the first.
  const { introspection: _, ...rest } = first;
  return { ...rest, issuer, audiences: [audience], jwks: {} };
}

/** The objects that a cluster would run for the server, for `--render`. */
export function clusterObjects(server: ProtectedMcpServer, sidecarImage: string): KubeObject[] {
  return desired({ server, sidecarImage });
}

/** Everything that local mode will start, or every reason why it cannot. */
export function plan(chosen: ProtectedMcpServer, inputs: PlanInputs): PlanResult {
  const problems: PlanProblem[] = [];
  const server = onThisMachine(chosen, inputs);
  const objects = [...inputs.manifests.configMaps, ...localObjects(inputs)];
  const { port, path } = server.spec.server;
  const place: Place = {
    listen: { host: '127.0.0.1', port: publicPort(server) },
    admin: { host: '127.0.0.1', port: inputs.options.adminPort ?? DEFAULT_ADMIN_PORT },
    tlsDirectory: `${inputs.directory}/tls`,
    caDirectory: `${inputs.directory}/ca`,
    signingDirectory: `${inputs.directory}/signing`,
    introspectionDirectory: `${inputs.directory}/introspection`,
    extraPublicHosts: [],
  };
  const config = sidecarConfig(server, place);
  const result: Plan = {
    server,
    config,
    upstream: { url: `http://127.0.0.1:${port}${path}`, port },
    process:
      inputs.options.upstream === undefined ? serverProcess(server, inputs.manifests, problems) : undefined,
    authorizationServer: inputs.options.issuer === undefined ? authorizationServer(server) : undefined,
    certificate: certificate(server, inputs.manifests, problems),
    caBundles: caBundles(config, server, objects, inputs.manifests.secrets, problems),
    credentials: credentials(config, server, inputs.manifests.secrets, problems),
    signingKeys: privateKeys(server, place, inputs.manifests.secrets, problems),
    notes: notes(server),
  };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, plan: result };
}

/** What a cluster would give the resource: an address, and trust in the authorization server on this machine. */
function onThisMachine(server: ProtectedMcpServer, { options, issuerCa }: PlanInputs): ProtectedMcpServer {
  const { spec } = server;
  const trusts = (issuer: Issuer) =>
    issuer.jwks.caBundleRef === undefined &&
    (issuerCa !== undefined || (options.issuer === undefined && isOurs(issuer)));
  const issuers = spec.authentication.issuers.map((issuer) =>
    trusts(issuer)
      ? {
          ...issuer,
          jwks: {
            ...issuer.jwks,
            caBundleRef: { kind: 'ConfigMap' as const, name: LOCAL_CA, key: 'ca.crt' },
          },
        }
      : issuer,
  );
  const { resource = `https://localhost:${DEFAULT_PORT}${spec.server.path}` } =
    spec.protectedResourceMetadata;
  return {
    ...server,
    spec: {
      ...spec,
      protectedResourceMetadata: { ...spec.protectedResourceMetadata, resource },
      authentication: { ...spec.authentication, issuers },
    },
  };
}

function localObjects({ localCa, issuerCa }: PlanInputs): KubeObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: LOCAL_CA },
      data: { 'ca.crt': issuerCa ?? localCa },
    },
  ];
}

/** An issuer on localhost, with Keycloak's path, is played by the embedded authorization server. */
function isOurs({ issuer }: Issuer): boolean {
  const { hostname, pathname } = new URL(issuer);
  return hostname === 'localhost' && /^\/realms\/[A-Za-z0-9_-]+$/.test(pathname);
}

function authorizationServer({ spec }: ProtectedMcpServer): AuthorizationServerPlan | undefined {
  const issuer = spec.authentication.issuers.find(isOurs);
  if (issuer === undefined) return undefined;
  const { port, pathname } = new URL(issuer.issuer);
  const scopes = [
    ...(spec.protectedResourceMetadata.scopesSupported ?? []),
    ...spec.authorization.requiredScopes,
  ];
  const [first = ''] = issuer.audiences;
  // The scope that clients will ask for has to bring the audience, as a mapper in Keycloak does.
  const carriers = scopes.some((scope) => issuer.audiences.includes(scope)) ? [] : scopes;
  return {
    port: Number(port || 443),
    realm: pathname.slice('/realms/'.length),
    audiences: Object.fromEntries([
      ...issuer.audiences.map((audience) => [audience, audience]),
      ...carriers.map((scope) => [scope, first]),
    ]) as Record<string, string>,
    scopes,
  };
}

function publicPort({ spec }: ProtectedMcpServer): number {
  const { hostname, port } = new URL(spec.protectedResourceMetadata.resource ?? '');
  return LOCALHOST.has(hostname) ? Number(port || 443) : DEFAULT_PORT;
}

function serverProcess(
  server: ProtectedMcpServer,
  manifests: Manifests,
  problems: PlanProblem[],
): ServerProcess | undefined {
  const { image, command, args = [] } = server.spec.server;
  const container = serverContainer({ server, sidecarImage: '' });
  const env = environment(container.env as EnvVar[], server.spec.server.env ?? [], manifests, problems); // what serverContainer puts there
  if (command !== undefined && command.length > 0)
    return { kind: 'command', command: [...command, ...args], env };
  if (ECHO_IMAGE.test(image)) return { kind: 'echo', env };
  problems.push({
    path: 'spec.server.image',
    message:
      `"${image}" is a container image, and local mode runs processes: start the server yourself and give ` +
      '--upstream http://127.0.0.1:PORT/PATH, or set spec.server.command',
  });
  return undefined;
}

function environment(
  variables: readonly EnvVar[],
  given: readonly EnvVar[],
  manifests: Manifests,
  problems: PlanProblem[],
): Environment {
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of variables) {
    const reference = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
    if (valueFrom === undefined) {
      env[name] = value ?? '';
      continue;
    }
    const objects = valueFrom.secretKeyRef ? manifests.secrets : manifests.configMaps;
    const found =
      reference &&
      entry(
        objects.find(({ metadata }) => metadata.name === reference.name),
        reference.key,
      );
    if (found !== undefined) env[name] = found;
    else if (reference?.optional !== true) {
      const index = given.findIndex((variable) => variable.name === name); // The container has more: HOST and PORT.
      problems.push({
        path: `spec.server.env[${index}].valueFrom`,
        message: `"${name}" cannot be filled in: add the ConfigMap or Secret with that key to the files, or use "value"`,
      });
    }
  }
  return env;
}

function certificate(
  server: ProtectedMcpServer,
  manifests: Manifests,
  problems: PlanProblem[],
): Plan['certificate'] {
  const { secretName } = server.spec.tls ?? {};
  if (secretName === undefined) {
    const { hostname } = new URL(server.spec.protectedResourceMetadata.resource ?? '');
    const names = [
      hostname,
      'localhost',
      ...serviceHosts(server.metadata.name, server.metadata.namespace ?? 'default'),
    ];
    return { dnsNames: [...new Set(names)].filter((name) => !/^(\[|[\d.]+$)/.test(name)) };
  }
  const secret = manifests.secrets.find(({ metadata }) => metadata.name === secretName);
  const [pem, key] = [entry(secret, 'tls.crt'), entry(secret, 'tls.key')];
  if (pem !== undefined && key !== undefined) return { given: { certificate: pem, key } };
  const message = `add the Secret "${secretName}" with tls.crt and tls.key to the files, or leave spec.tls out`;
  problems.push({ path: 'spec.tls.secretName', message });
  return { dnsNames: [] };
}

function caBundles(
  config: SidecarConfig,
  server: ProtectedMcpServer,
  configMaps: readonly KubeObject[],
  secrets: readonly KubeObject[],
  problems: PlanProblem[],
): Map<string, string> {
  const bundles = new Map<string, string>();
  server.spec.authentication.issuers.forEach(({ jwks: { caBundleRef } }, index) => {
    const file = config.issuers[index]?.jwks.caFile;
    if (caBundleRef === undefined || file === undefined) return;
    const objects = caBundleRef.kind === 'Secret' ? secrets : configMaps;
    const bundle = entry(
      objects.find(({ metadata }) => metadata.name === caBundleRef.name),
      caBundleRef.key,
    );
    if (bundle !== undefined) bundles.set(file, bundle);
    else {
      problems.push({
        path: `spec.authentication.issuers[${index}].jwks.caBundleRef`,
        message: `add the ${caBundleRef.kind} "${caBundleRef.name}" with the key "${caBundleRef.key}" to the files`,
      });
    }
  });
  return bundles;
}

function credentials(
  config: SidecarConfig,
  server: ProtectedMcpServer,
  secrets: readonly KubeObject[],
  problems: PlanProblem[],
): Map<string, string> {
  const files = new Map<string, string>();
  server.spec.authentication.issuers.forEach(({ introspection }, index) => {
    const configured = config.issuers[index]?.introspection;
    if (introspection === undefined || configured === undefined) return;
    const { name } = introspection.clientSecretRef;
    const secret = secrets.find(({ metadata }) => metadata.name === name);
    const [id, password] = [CLIENT_ID_FILE_NAME, CLIENT_SECRET_FILE_NAME].map((key) => entry(secret, key));
    if (id !== undefined && password !== undefined) {
      files.set(configured.clientIdFile, id).set(configured.clientSecretFile, password);
    } else {
      problems.push({
        path: `spec.authentication.issuers[${index}].introspection.clientSecretRef`,
        message: `add the Secret "${name}" with ${CLIENT_ID_FILE_NAME} and ${CLIENT_SECRET_FILE_NAME} to the files`,
      });
    }
  });
  return files;
}

function privateKeys(
  server: ProtectedMcpServer,
  { signingDirectory }: Place,
  secrets: readonly KubeObject[],
  problems: PlanProblem[],
): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { use, secretRef, path } of signingKeys(server)) {
    const secret = secrets.find(({ metadata }) => metadata.name === secretRef.name);
    const pem = entry(secret, secretRef.key);
    if (pem !== undefined)
      keys.set(`${signingKeyDirectory(signingDirectory, use)}/${SIGNING_KEY_FILE_NAME}`, pem);
    else {
      const message = `add the Secret "${secretRef.name}" with the key "${secretRef.key}" to the files`;
      problems.push({ path, message });
    }
  }
  return keys;
}

/** One value of a ConfigMap or Secret, decoded. */
function entry(object: KubeObject | undefined, key: string): string | undefined {
  const texts = (object?.kind === 'Secret' ? object.stringData : object?.data) as
    Record<string, string> | undefined;
  if (texts?.[key] !== undefined) return texts[key];
  const encoded =
    object?.kind === 'Secret' ? (object.data as Record<string, string> | undefined)?.[key] : undefined;
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

/** Fields that a cluster acts on and one machine has no use for: said, not swallowed. */
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
  return given.length === 0 ? [] : [`needs a cluster, not used here: ${given.join(', ')}`];
}

function isGiven(value: unknown): boolean {
  return (
    value !== undefined &&
    value !== '' &&
    !(typeof value === 'object' && Object.keys(value ?? {}).length === 0)
  );
}
