// The controls over a container's securityContext, one a field (kubernetes.io/docs/concepts/security/pod-security-standards).
import type { JsonObject } from '../../api/object.ts';
import { entries, isObject, isSet, known, quoted, setFields, unknownFields, type Known } from './fields.ts';
import type { ControlledLevel, Violation } from './level.ts';

/** What is wrong with a field, absent ones included; undefined when nothing is. */
type Control = (value: unknown, level: ControlledLevel) => string | undefined;

const BASELINE_CAPABILITIES = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
];
const RESTRICTED_CAPABILITIES = ['NET_BIND_SERVICE'];
const SECCOMP_TYPES = ['RuntimeDefault', 'Localhost'];
const APP_ARMOR_TYPES = ['RuntimeDefault', 'Localhost'];
const SELINUX_TYPES = ['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

const CONTROLS: Readonly<Record<string, Control>> = {
  allowPrivilegeEscalation: (value, level) =>
    level === 'restricted' && value !== false
      ? 'allowPrivilegeEscalation != false (%s must set securityContext.allowPrivilegeEscalation=false)'
      : undefined,
  appArmorProfile: (value) => {
    if (!isSet(value) || APP_ARMOR_TYPES.includes(typeOf(value))) return undefined;
    return `forbidden AppArmor profile (%s must not set securityContext.appArmorProfile.type to ${quoted([typeOf(value)])})`;
  },
  capabilities,
  privileged: (value) =>
    isSet(value) && value !== false
      ? 'privileged (%s must not set securityContext.privileged=true)'
      : undefined,
  procMount: (value) =>
    isSet(value) && value !== 'Default'
      ? `procMount (%s must not set securityContext.procMount to ${quoted([value])})`
      : undefined,
  readOnlyRootFilesystem: () => undefined,
  runAsGroup: () => undefined,
  runAsNonRoot: (value, level) =>
    level === 'restricted' && value !== true
      ? 'runAsNonRoot != true (%s must set securityContext.runAsNonRoot=true)'
      : undefined,
  runAsUser: (value, level) =>
    level === 'restricted' && isSet(value) && !(Number.isSafeInteger(value) && (value as number) > 0)
      ? `runAsUser=${String(value)} (%s must not set runAsUser=0)`
      : undefined,
  seLinuxOptions,
  seccompProfile,
  windowsOptions,
};

const PROFILE_FIELDS = known('type', 'localhostProfile');
const FIELDS: Known = {
  ...known(...Object.keys(CONTROLS)),
  appArmorProfile: PROFILE_FIELDS,
  seccompProfile: PROFILE_FIELDS,
};

/** @param path of the context in the resource */
export function securityContextViolations(
  context: unknown,
  container: string,
  path: string,
  level: ControlledLevel,
): Violation[] {
  const fields = isObject(context) ? context : {};
  const broken = Object.entries(CONTROLS).flatMap(([name, control]) => {
    const problem = control(fields[name], level);
    if (problem === undefined) return [];
    return [{ path: `${path}.${name}`, message: problem.replace('%s', `container "${container}"`) }];
  });
  return [...broken, ...unknownFields(context, FIELDS, path)];
}

function capabilities(value: unknown, level: ControlledLevel): string | undefined {
  const { add, drop, ...others } = isObject(value) ? value : {};
  const allowed = level === 'restricted' ? RESTRICTED_CAPABILITIES : BASELINE_CAPABILITIES;
  const excess = entries(add).filter((name) => !allowed.includes(name as string));
  const isReadable = isListOrAbsent(add) && isListOrAbsent(drop) && setFields(others).length === 0;
  if (excess.length > 0 || !isReadable || (isSet(value) && !isObject(value))) {
    const title = level === 'restricted' ? 'unrestricted' : 'non-default';
    return `${title} capabilities (%s must not include ${quoted(excess)} in securityContext.capabilities.add)`;
  }
  if (level === 'restricted' && !entries(drop).includes('ALL'))
    return 'unrestricted capabilities (%s must set securityContext.capabilities.drop=["ALL"])';
  return undefined;
}

function seccompProfile(value: unknown, level: ControlledLevel): string | undefined {
  if (!isSet(value) && level === 'baseline') return undefined;
  if (isSet(value) && SECCOMP_TYPES.includes(typeOf(value))) return undefined;
  return 'seccompProfile (%s must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';
}

/** The level is a label; user, role and other types would leave the container's confinement. */
function seLinuxOptions(value: unknown): string | undefined {
  if (!isSet(value)) return undefined;
  const forbidden = setFields(value).filter(
    ([name, member]) =>
      name !== 'level' &&
      member !== '' &&
      !(name === 'type' && SELINUX_TYPES.some((known) => known === member)),
  );
  if (isObject(value) && forbidden.length === 0) return undefined;
  const named = forbidden.map(([name, member]) => `${name} ${quoted([member])}`).join(', ');
  return `seLinuxOptions (%s set forbidden securityContext.seLinuxOptions: ${named})`;
}

const WINDOWS_FIELDS = ['gmsaCredentialSpec', 'gmsaCredentialSpecName', 'hostProcess', 'runAsUserName'];

function windowsOptions(value: unknown): string | undefined {
  if (!isSet(value)) return undefined;
  const isKnown = isObject(value) && setFields(value).every(([name]) => WINDOWS_FIELDS.includes(name));
  const { hostProcess } = isObject(value) ? value : ({} as JsonObject);
  if (isKnown && (!isSet(hostProcess) || hostProcess === false)) return undefined;
  return 'hostProcess (%s must not set securityContext.windowsOptions.hostProcess=true)';
}

/** The `type` of a profile; anything that is no profile has one that nothing allows. */
function typeOf(value: unknown): string {
  const type = isObject(value) ? value['type'] : undefined;
  return typeof type === 'string' ? type : '';
}

function isListOrAbsent(value: unknown): boolean {
  return !isSet(value) || Array.isArray(value);
}
