// The controls over one container: its fields, its probes and hooks, its securityContext.
import type { JsonObject } from '../../api/object.ts';
import { entries, isObject, isSet, quoted, setFields, unknownFields } from './fields.ts';
import type { ControlledLevel, Violation } from './level.ts';
import { securityContextViolations } from './security-context.ts';

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];
const FIELDS = [
  ...['name', 'image', 'command', 'args', 'env', 'envFrom', 'ports', 'resources', 'volumeMounts'],
  ...[...PROBES, 'lifecycle', 'securityContext'],
];
const PORT_FIELDS = ['name', 'containerPort', 'protocol'];
const HOOKS = ['preStop', 'postStart', 'stopSignal'];
const PROBE_TIMES = [
  ...['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'],
  'terminationGracePeriodSeconds',
];
/** What a probe or hook does. The kubelet connects from the node, so `host` is another machine's, or the node's own. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  exec: ['command'],
  grpc: ['port', 'service'],
  httpGet: ['host', 'httpHeaders', 'path', 'port', 'scheme'],
  sleep: ['seconds'],
  tcpSocket: ['host', 'port'],
};

/** @param path of the container in the resource */
export function containerViolations(
  container: JsonObject,
  path: string,
  level: ControlledLevel,
): Violation[] {
  const name = String(container['name']);
  return [
    ...unknownFields(container, FIELDS, path),
    ...entries(container['ports']).flatMap((port) => unknownFields(port, PORT_FIELDS, `${path}.ports`)),
    ...PROBES.flatMap((probe) => actionViolations(container[probe], PROBE_TIMES, name, `${path}.${probe}`)),
    ...unknownFields(container['lifecycle'], HOOKS, `${path}.lifecycle`),
    ...setFields(container['lifecycle']).flatMap(([hook, action]) =>
      actionViolations(action, [], name, `${path}.lifecycle.${hook}`),
    ),
    ...securityContextViolations(container['securityContext'], name, `${path}.securityContext`, level),
  ];
}

function actionViolations(
  value: unknown,
  times: readonly string[],
  container: string,
  path: string,
): Violation[] {
  const actions = setFields(value).filter(([name]) => name in ACTIONS);
  return [
    ...unknownFields(value, [...times, ...Object.keys(ACTIONS)], path),
    ...actions.flatMap(([name, action]) => unknownFields(action, ACTIONS[name] ?? [], `${path}.${name}`)),
    ...actions.flatMap(([name, action]) => hostViolation(action, container, `${path}.${name}.host`)),
  ];
}

function hostViolation(action: unknown, container: string, path: string): Violation[] {
  const host = isObject(action) ? action['host'] : undefined;
  if (!isSet(host) || host === '') return [];
  const message = `probe or lifecycle host (container "${container}" must not set host ${quoted([host])})`;
  return [{ path, message }];
}
