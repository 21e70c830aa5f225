// The controls over one container: its fields, its probes and hooks, its securityContext.
import type { JsonObject } from '../../api/object.ts';
import { isObject, isSet, known, quoted, setFields, unknownFields, type Known } from './fields.ts';
import type { ControlledLevel, Violation } from './level.ts';
import { securityContextViolations } from './security-context.ts';

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];
const SELECTED_KEY = known('name', 'key', 'optional');
const WHOLE_OBJECT = known('name', 'optional');
/** Of those with `true`, `PROBES`, `lifecycle` and `securityContext` are looked into by rules of their own. */
const FIELDS: Known = {
  ...known('name', 'image', 'command', 'args', 'lifecycle', 'securityContext', 'terminationMessagePolicy'),
  ...known(...PROBES),
  env: {
    ...known('name', 'value'),
    valueFrom: {
      configMapKeyRef: SELECTED_KEY,
      secretKeyRef: SELECTED_KEY,
      fieldRef: known('apiVersion', 'fieldPath'),
      resourceFieldRef: known('containerName', 'resource', 'divisor'),
    },
  },
  envFrom: { prefix: true, configMapRef: WHOLE_OBJECT, secretRef: WHOLE_OBJECT },
  ports: known('name', 'containerPort', 'protocol'),
  resources: known('requests', 'limits'),
  volumeMounts: {
    ...known('name', 'mountPath', 'subPath', 'subPathExpr'),
    ...known('readOnly', 'recursiveReadOnly', 'mountPropagation'),
  },
};
const HOOKS = known('preStop', 'postStart', 'stopSignal');
const PROBE_TIMES = known(
  ...['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'],
  'terminationGracePeriodSeconds',
);
/** What a probe or hook does. The kubelet connects from the node, so `host` is another machine's, or the node's own. */
const ACTIONS: Known = {
  exec: known('command'),
  grpc: known('port', 'service'),
  httpGet: { ...known('host', 'path', 'port', 'scheme'), httpHeaders: known('name', 'value') },
  sleep: known('seconds'),
  tcpSocket: known('host', 'port'),
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
    ...PROBES.flatMap((probe) => actionViolations(container[probe], PROBE_TIMES, name, `${path}.${probe}`)),
    ...unknownFields(container['lifecycle'], HOOKS, `${path}.lifecycle`),
    ...setFields(container['lifecycle']).flatMap(([hook, action]) =>
      actionViolations(action, {}, name, `${path}.lifecycle.${hook}`),
    ),
    ...securityContextViolations(container['securityContext'], name, `${path}.securityContext`, level),
  ];
}

function actionViolations(value: unknown, times: Known, container: string, path: string): Violation[] {
  const actions = setFields(value).filter(([name]) => Object.hasOwn(ACTIONS, name));
  return [
    ...unknownFields(value, { ...times, ...ACTIONS }, path),
    ...actions.flatMap(([name, action]) => hostViolation(action, container, `${path}.${name}.host`)),
  ];
}

function hostViolation(action: unknown, container: string, path: string): Violation[] {
  const host = isObject(action) ? action['host'] : undefined;
  if (!isSet(host) || host === '') return [];
  const message = `probe or lifecycle host (container "${container}" must not set host ${quoted([host])})`;
  return [{ path, message }];
}
