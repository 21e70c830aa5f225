// The operator's environment, read once and checked whole. Nothing else reads it.
import { z } from 'zod';
import type { LogLevel } from '../base/log.ts';
import type { Peer } from '../api/protected-mcp-server.gen.ts';
import { isObject, setFields } from '../desired/pod-security/fields.ts';
import { POD_SECURITY_LEVELS } from '../desired/pod-security/level.ts';
import { durationSeconds } from '../protocol/duration.ts';
import type { OperatorErrorCode } from './errors.ts';
import { certificateHosts } from './host-rules.ts';
import type { HostRules } from './host-ownership.ts';
import { ANNOTATION_PATTERN, SERVICE_TYPES, type Permitted } from './refusal.ts';
import { maxConcurrent, type MaxConcurrent } from './max-concurrent.ts';

export interface Settings {
  /** Where the operator runs: its lease and its certificate authority are kept there. */
  readonly namespace: string;
  readonly podName: string;
  /** The image of the sidecar for servers that do not name one. */
  readonly sidecarImage: string;
  /** Who may connect to the admin port of servers' pods, the operator among them. */
  readonly adminIngressFrom: readonly Peer[];
  /** What a ProtectedMcpServer may ask for. */
  readonly permitted: Permitted;
  /** How many servers may change at once when the sidecar does. */
  readonly maxConcurrent: MaxConcurrent;
  /** Undefined for all namespaces. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly leaderElection: boolean;
  readonly leaseName: string;
  /** After this time without an answer, the namespaces of another installation are taken over (seconds). */
  readonly claimExpirySeconds: number;
  readonly workers: number;
  readonly logLevel: LogLevel;
  readonly healthPort: number;
  /** What the own authority certifies beside the names of Services. */
  readonly hostRules: HostRules;
  /** How long clients have to read a new certificate of the authority (milliseconds). */
  readonly authorityOverlapMs: number;
}

/** What is wrong with the environment: every problem at once. */
export class SettingsError extends Error {
  readonly code: OperatorErrorCode = 'ERR_OPERATOR_SETTINGS';

  constructor(problems: readonly string[]) {
    super(['invalid environment of the operator:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

const text = z.string({ error: 'is not set' });
const name = text.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, {
  error: ({ input }) => `"${String(input)}" is not a Kubernetes name`,
});
const oneOf = (words: readonly string[]) => ({ error: `must be one of ${words.join(', ')}` });
const number = (least: number, most: number) =>
  z.coerce
    .number({ error: `must be a number from ${least} to ${most}` })
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, {
      error: `must be a number from ${least} to ${most}`,
    });

const flag = z.enum(['true', 'false'], { error: 'must be true or false' });
const PEERS = { error: 'must be a JSON list of peers, as in a NetworkPolicy' };
const peers = z.array(z.custom<Peer>(isPeer, PEERS), PEERS);

const environment = z.object({
  POD_NAMESPACE: name,
  POD_NAME: name,
  SIDECAR_IMAGE: text,
  ADMIN_INGRESS_FROM: text.transform(json).pipe(peers).optional(),
  POD_SECURITY: z.enum(POD_SECURITY_LEVELS, oneOf(POD_SECURITY_LEVELS)).default('restricted'),
  SERVICE_TYPES: text
    .transform(list)
    .pipe(z.array(z.enum(SERVICE_TYPES, oneOf(SERVICE_TYPES))))
    .default(['ClusterIP']),
  SERVICE_ANNOTATIONS: text
    .transform(list)
    .pipe(
      z.array(
        z.string().regex(ANNOTATION_PATTERN, {
          error: 'must be names of annotations, or prefixes with * at the end',
        }),
      ),
    )
    .default([]),
  SIDECAR_ROLLOUT_MAX_CONCURRENT: maxConcurrent.prefault('10%'),
  WATCH_NAMESPACES: text.transform(list).pipe(z.array(name)).default([]),
  LEADER_ELECTION: flag.default('true'),
  LEASE_NAME: name.default('protected-mcp-operator'),
  CLAIM_EXPIRY_SECONDS: number(1, 86_400).default(300),
  WORKERS: number(1, 64).default(8),
  LOG_LEVEL: z.enum(LEVELS, oneOf(LEVELS)).default('info'),
  HEALTH_PORT: number(0, 65_535).default(8080),
  CERTIFICATE_HOSTS: certificateHosts.default([]),
  CERTIFICATE_LOCALHOST: flag.default('true'),
  AUTHORITY_OVERLAP: z
    .string()
    .regex(/^([0-9]+(s|m|h))+$/, { error: 'must be a duration such as 168h' })
    .default('168h'),
});

/** @throws SettingsError naming each variable and what it must be */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  // An empty variable is one that is not set: charts and shells write them so.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const { success, data, error } = environment.safeParse(given);
  if (!success)
    throw new SettingsError(error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`));
  return Object.freeze({
    namespace: data.POD_NAMESPACE,
    podName: data.POD_NAME,
    sidecarImage: data.SIDECAR_IMAGE,
    adminIngressFrom: data.ADMIN_INGRESS_FROM ?? [ownNamespace(data.POD_NAMESPACE)],
    permitted: Object.freeze({
      podSecurity: data.POD_SECURITY,
      serviceTypes: data.SERVICE_TYPES,
      serviceAnnotations: data.SERVICE_ANNOTATIONS,
    }),
    maxConcurrent: data.SIDECAR_ROLLOUT_MAX_CONCURRENT,
    watchNamespaces: data.WATCH_NAMESPACES.length > 0 ? data.WATCH_NAMESPACES : undefined,
    leaderElection: data.LEADER_ELECTION === 'true',
    leaseName: data.LEASE_NAME,
    claimExpirySeconds: data.CLAIM_EXPIRY_SECONDS,
    workers: data.WORKERS,
    logLevel: data.LOG_LEVEL,
    healthPort: data.HEALTH_PORT,
    hostRules: { localhost: data.CERTIFICATE_LOCALHOST === 'true', byNamespace: data.CERTIFICATE_HOSTS },
    authorityOverlapMs: durationSeconds(data.AUTHORITY_OVERLAP) * 1000,
  });
}

/** Where the chart does not name the operator's pods, every pod of its namespace is taken for one. */
function ownNamespace(name: string): Peer {
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } };
}

/** What the members hold is the API server's to check; a peer without any would be everyone. */
function isPeer(value: unknown): boolean {
  const members = setFields(value);
  const known = ['ipBlock', 'namespaceSelector', 'podSelector'];
  return members.length > 0 && members.every(([name, member]) => known.includes(name) && isObject(member));
}

/** The value of a JSON text; undefined where it is none. */
function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** Separated by commas; blanks around them do not count. */
function list(entries: string): string[] {
  return entries
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
