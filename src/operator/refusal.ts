// PURE: what a ProtectedMcpServer may not ask for where the operator is installed. Its author may lack the right to make
// such pods and Services; the operator has it, and must not lend it.
import type { Manifest } from '../api/object.ts';
import type { PodSecurityLevel, Violation } from '../desired/pod-security/level.ts';
import { isObject, known, setFields, unknownFields, type Known } from '../desired/pod-security/fields.ts';
import { podViolations } from '../desired/pod-security/pod.ts';
import { sidecarKeyViolations } from '../desired/pod-security/sidecar-keys.ts';
import type { ApplyFailure } from './inputs.ts';
import { DEPLOYMENTS, SERVICES } from './kinds.ts';

export const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer'] as const;

/** The name of an annotation, or the beginning of one with `*` behind it. */
export const ANNOTATION_PATTERN = /^(\*|[A-Za-z0-9][-A-Za-z0-9_./]*\*?)$/;

/** What the operator writes. Every other field of a Service, externalIPs among them, has no place in the resource. */
const SERVICE_FIELDS: Known = {
  ...known('type', 'selector'),
  ports: known('name', 'port', 'targetPort', 'protocol', 'appProtocol'),
};

/** What the one who installed the operator lets the authors of resources have. */
export interface Permitted {
  readonly podSecurity: PodSecurityLevel;
  readonly serviceTypes: readonly string[];
  /** As `ANNOTATION_PATTERN` says. */
  readonly serviceAnnotations: readonly string[];
}

export interface Refusal {
  readonly failure: ApplyFailure;
  /** The kinds that are not written. What exists of them stays as it is: running pods are not ended. */
  readonly withheld: readonly string[];
}

/** Why a server's pods or Service may not be made; undefined when they may. */
export function refusal(objects: readonly Manifest[], permitted: Permitted): Refusal | undefined {
  const pod = podFailure(templateOf(objects), permitted.podSecurity);
  const service = serviceFailure(
    objects.find(({ kind }) => kind === SERVICES.kind),
    permitted,
  );
  const failure = pod ?? service;
  if (failure === undefined) return undefined;
  return { failure, withheld: [DEPLOYMENTS.kind, ...(service === undefined ? [] : [SERVICES.kind])] };
}

function templateOf(objects: readonly Manifest[]) {
  const spec = objects.find(({ kind }) => kind === DEPLOYMENTS.kind)?.['spec'];
  const template = isObject(spec) ? spec['template'] : undefined;
  return isObject(template) ? template : {};
}

function podFailure(
  template: Parameters<typeof podViolations>[0],
  level: PodSecurityLevel,
): ApplyFailure | undefined {
  const keys = sidecarKeyViolations(template);
  if (keys.length > 0) {
    const message = `violates the sidecar's isolation: ${listed(keys)}. Give the server a Secret of its own.`;
    return { reason: 'PodSecurityViolation', message };
  }
  const violations = podViolations(template, level);
  if (violations.length === 0) return undefined;
  const message =
    `violates PodSecurity "${level}": ${listed(violations)}. Change the fields; the level is podSecurity of the ` +
    "operator's chart. Running pods stay as they are.";
  return { reason: 'PodSecurityViolation', message };
}

function serviceFailure(service: Manifest | undefined, permitted: Permitted): ApplyFailure | undefined {
  const { serviceTypes, serviceAnnotations } = permitted;
  const spec = service?.['spec'];
  const type = isObject(spec) ? spec['type'] : undefined;
  const annotations = setFields(service?.metadata.annotations).map(([name]) => name);
  const violations = [
    ...(serviceTypes.some((allowed) => allowed === type)
      ? []
      : [
          {
            path: 'spec.service.type',
            message: `${String(type)} is not allowed, only ${serviceTypes.join(', ')}`,
          },
        ]),
    ...unknownFields(spec, SERVICE_FIELDS, 'spec.service'),
    ...annotations
      .filter((name) => !isPrivate(name) && !serviceAnnotations.some((pattern) => matches(pattern, name)))
      .map((name) => ({ path: 'spec.service.annotations', message: `${name} is not allowed` })),
  ];
  if (violations.length === 0) return undefined;
  const message =
    `${listed(violations)}. It may publish the server; what is allowed is services.types and services.annotations of ` +
    "the operator's chart. An existing Service stays as it is.";
  return { reason: 'ServiceNotAllowed', message };
}

/** A name without a prefix is private to the user (kubernetes.io, "Labels and Selectors"): no controller obeys it. */
function isPrivate(name: string): boolean {
  return !name.includes('/');
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function listed(violations: readonly Violation[]): string {
  return violations.map(({ path, message }) => `${path}: ${message}`).join('; ');
}
