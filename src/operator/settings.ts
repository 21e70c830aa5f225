// The operator's environment, read once and checked whole. Nothing else reads it.
import type { LogLevel } from '../base/log.ts';

export interface Settings {
  /** Where the operator runs: its lease and its certificate authority are kept there. */
  readonly namespace: string;
  readonly podName: string;
  /** The image of the sidecar for servers that do not name one. */
  readonly sidecarImage: string;
  /** Undefined for all namespaces. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly leaderElection: boolean;
  readonly leaseName: string;
  readonly workers: number;
  readonly logLevel: LogLevel;
  readonly healthPort: number;
}

/** What is wrong with the environment: every problem at once. */
export class SettingsError extends Error {
  readonly code = 'ERR_OPERATOR_SETTINGS';

  constructor(problems: readonly string[]) {
    super(['the operator cannot start:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** @throws SettingsError naming each variable and what it must be */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: string[] = [];
  const value = (name: string, fallback?: string) => {
    const found = env[name] || fallback;
    if (found === undefined) problems.push(`${name} is not set`);
    return found ?? '';
  };
  const name = (variable: string, fallback?: string) => {
    const found = value(variable, fallback);
    if (found !== '' && !NAME.test(found)) problems.push(`${variable}="${found}" is not a Kubernetes name`);
    return found;
  };
  const number = (variable: string, fallback: number, most: number) => {
    const found = Number(value(variable, String(fallback)));
    if (!Number.isInteger(found) || found < 0 || found > most)
      problems.push(`${variable} must be a number from 0 to ${most}`);
    return found;
  };
  const namespaces = (env.WATCH_NAMESPACES ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  for (const namespace of namespaces) {
    if (!NAME.test(namespace)) problems.push(`WATCH_NAMESPACES: "${namespace}" is not a Kubernetes name`);
  }
  const election = value('LEADER_ELECTION', 'true');
  if (election !== 'true' && election !== 'false') problems.push('LEADER_ELECTION must be true or false');
  const logLevel = LEVELS.find((level) => level === value('LOG_LEVEL', 'info'));
  if (logLevel === undefined) problems.push(`LOG_LEVEL must be one of ${LEVELS.join(', ')}`);

  const settings: Settings = {
    namespace: name('POD_NAMESPACE'),
    podName: name('POD_NAME'),
    sidecarImage: value('SIDECAR_IMAGE'),
    watchNamespaces: namespaces.length > 0 ? namespaces : undefined,
    leaderElection: election === 'true',
    leaseName: name('LEASE_NAME', 'protected-mcp-operator'),
    workers: number('WORKERS', 8, 64),
    logLevel: logLevel ?? 'info',
    healthPort: number('HEALTH_PORT', 8080, 65535),
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.freeze(settings);
}
