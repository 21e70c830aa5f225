// The operator's environment, read once and checked whole. Nothing else reads it.
import { z } from 'zod';
import type { LogLevel } from '../base/log.ts';
import { POD_SECURITY_LEVELS } from '../desired/pod-security/level.ts';
import { durationSeconds } from '../protocol/duration.ts';
import type { OperatorErrorCode } from './errors.ts';
import { certificateHosts } from './host-rules.ts';
import type { HostRules } from './host-ownership.ts';
import { ANNOTATION_PATTERN, SERVICE_TYPES, type Permitted } from './refusal.ts';

export interface Settings {
  /** Where the operator runs: its lease and its certificate authority are kept there. */
  readonly namespace: string;
  readonly podName: string;
  /** The image of the sidecar for servers that do not name one. */
  readonly sidecarImage: string;
  /** What a ProtectedMcpServer may ask for. */
  readonly permitted: Permitted;
  /** Undefined for all namespaces. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly leaderElection: boolean;
  readonly leaseName: string;
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

const environment = z.object({
  POD_NAMESPACE: name,
  POD_NAME: name,
  SIDECAR_IMAGE: text,
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
  WATCH_NAMESPACES: text.transform(list).pipe(z.array(name)).default([]),
  LEADER_ELECTION: flag.default('true'),
  LEASE_NAME: name.default('protected-mcp-operator'),
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
    permitted: Object.freeze({
      podSecurity: data.POD_SECURITY,
      serviceTypes: data.SERVICE_TYPES,
      serviceAnnotations: data.SERVICE_ANNOTATIONS,
    }),
    watchNamespaces: data.WATCH_NAMESPACES.length > 0 ? data.WATCH_NAMESPACES : undefined,
    leaderElection: data.LEADER_ELECTION === 'true',
    leaseName: data.LEASE_NAME,
    workers: data.WORKERS,
    logLevel: data.LOG_LEVEL,
    healthPort: data.HEALTH_PORT,
    hostRules: { localhost: data.CERTIFICATE_LOCALHOST === 'true', byNamespace: data.CERTIFICATE_HOSTS },
    authorityOverlapMs: durationSeconds(data.AUTHORITY_OVERLAP) * 1000,
  });
}

/** Separated by commas; blanks around them do not count. */
function list(entries: string): string[] {
  return entries
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
