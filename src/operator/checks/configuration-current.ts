// ConfigurationCurrent: whether every sidecar enforces what the newest generation says, as each reports it.
import type { ConfigurationCurrentReason, Verdict } from '../../protocol/conditions.ts';
import { ADMIN_PORT } from '../../api/names.ts';
import { VERSION } from '../../protocol/version.ts';
import type { Inputs, PodState } from '../inputs.ts';
import { hasRefused } from '../sidecar-status.ts';

export function configurationCurrent({ pods, configDigest }: Inputs): Verdict<'ConfigurationCurrent'> {
  const outdated = pods.find(
    ({ report }) => report?.status !== undefined && report.status.configDigest !== configDigest,
  );
  if (outdated !== undefined) return stale(outdated, configDigest);
  const silent = pods.find((pod) => pod.ready && pod.report !== undefined && pod.report.status === undefined);
  if (silent !== undefined)
    return verdict(
      'Unknown',
      'Pending',
      `Pod ${silent.name} does not answer on its admin port, ${ADMIN_PORT}, with what this operator reads: ${silent.report?.error}`,
    );
  if (!pods.some(({ report }) => report?.status !== undefined))
    return verdict('Unknown', 'Pending', 'No sidecar has been asked yet.');
  return verdict('True', 'Current', 'Every sidecar enforces the newest configuration.');
}

function stale({ name, report }: PodState, digest: string): Verdict<'ConfigurationCurrent'> {
  const status = report?.status;
  if (status === undefined || !hasRefused(status, digest))
    return verdict('False', 'Outdated', `Pod ${name} still enforces an earlier configuration.`);
  return verdict(
    'False',
    'Refused',
    `The sidecar of pod ${name} cannot use the newest configuration and enforces the one before: ${status.configProblem}. ` +
      versions(status.version),
  );
}

/** @param sidecar its version; undefined from before it was said */
function versions(sidecar: string | undefined): string {
  const said = `The operator is version ${VERSION}, the sidecar ${sidecar ?? 'an earlier one'}.`;
  if (sidecar === VERSION) return said;
  return `${said} A sidecar of the operator's version knows every field: set spec.sidecar.image, or take the field out.`;
}

function verdict(
  status: Verdict<'ConfigurationCurrent'>['status'],
  reason: ConfigurationCurrentReason,
  message: string,
): Verdict<'ConfigurationCurrent'> {
  return { type: 'ConfigurationCurrent', status, reason, message };
}
