// CertificateReady: whether port 8001 has a certificate for the resource's host that is valid now.
import type { CertificateReadyReason, Verdict } from '../../protocol/conditions.ts';
import { resourceIdentifier } from '../../desired/resource.ts';
import { serviceNames } from '../../desired/certificate.ts';
import type { RefusedHost } from '../host-ownership.ts';
import type { CertificateState, Inputs } from '../inputs.ts';

export function certificateReady(inputs: Inputs): Verdict<'CertificateReady'> {
  const { certificate } = inputs;
  switch (certificate.source) {
    case 'issued':
      if (inputs.failure !== undefined)
        return pending('Certificate not yet applied; see condition Accepted.');
      if (certificate.refused !== undefined) return refused(certificate.refused, inputs.server);
      return issued(certificate, inputs.now);
    case 'none':
      if (certificate.lost !== undefined) return no('AuthorityLost', certificate.lost);
      return pending('No certificate issued yet; see condition Accepted.');
    case 'secret':
      return fromSecret(certificate.secretName, inputs);
    case 'cert-manager':
      if (!certificate.installed) {
        return no(
          'CertManagerNotInstalled',
          'spec.tls.issuerRef needs cert-manager: install it, or leave spec.tls out.',
        );
      }
      if (!certificate.ready) return no('Pending', waitingForCertManager(inputs.server, certificate.message));
      return yes('cert-manager has issued the certificate and renews it.');
    default:
      return certificate satisfies never;
  }
}

/** cert-manager reports causes such as a missing issuer on its CertificateRequest only. */
function waitingForCertManager({ metadata, spec }: Inputs['server'], message: string | undefined): string {
  const { kind, name } = spec.tls.issuerRef ?? { kind: 'Issuer', name: '' };
  return (
    `cert-manager has not issued the certificate of ${kind} "${name}": ${message ?? 'no status reported yet'}. See ` +
    `kubectl describe certificaterequest --namespace ${metadata.namespace}`
  );
}

function refused({ host, reason }: RefusedHost, server: Inputs['server']): Verdict<'CertificateReady'> {
  const namespace = server.metadata.namespace ?? 'default';
  const why =
    reason === 'HostInUse'
      ? 'a server of another namespace has it'
      : `it is neither a name of this server's Service (${serviceNames(server).join(', ')}) nor one that the platform ` +
        `allows in namespace ${namespace}`;
  return no(
    reason,
    `The operator's own authority does not certify ${host}: ${why}. Change spec.protectedResourceMetadata.resource, bring a ` +
      `certificate (spec.tls.secretName, spec.tls.issuerRef), or ask the platform to allow it (tls.hosts of the operator's chart).`,
  );
}

function issued(
  { notAfter, renewAt, lost }: CertificateState & { source: 'issued' },
  now: number,
): Verdict<'CertificateReady'> {
  const until = day(notAfter);
  if (notAfter <= now) {
    return lost === undefined
      ? no('Expired', `The certificate expired on ${until}; it is renewed with the next reconcile.`)
      : no('AuthorityLost', `The certificate expired on ${until}. ${lost}`);
  }
  const issuer = `Issued by the operator's own authority; valid until ${until}`;
  return yes(
    lost === undefined ? `${issuer}, renewed on ${day(renewAt)}.` : `${issuer}, and not renewed: ${lost}`,
  );
}

/** The operator cannot read Secrets: what the sidecars serve, and why they do not start, is all there is to go by. */
function fromSecret(secretName: string, { pods, server, now }: Inputs): Verdict<'CertificateReady'> {
  const served = pods.flatMap(({ report }) => report?.status?.certificate ?? []);
  const [certificate] = served;
  if (certificate === undefined) {
    return pending(
      `No sidecar has started yet. If a pod stays in ContainerCreating, create the Secret ` +
        `${server.metadata.namespace}/${secretName} with tls.crt and tls.key.`,
    );
  }
  const notAfter = Date.parse(certificate.notAfter);
  if (notAfter <= now)
    return no(
      'Expired',
      `The certificate in Secret "${secretName}" expired on ${day(notAfter)}: replace it.`,
    );
  const host = new URL(resourceIdentifier(server)).hostname.replace(/^\[|\]$/g, '');
  if (!covers(certificate.subjectAltName, host)) {
    return no(
      'HostNotCovered',
      `The certificate in Secret "${secretName}" does not cover ${host}, only ${certificate.subjectAltName ?? 'no names'}: replace it.`,
    );
  }
  return yes(`Served from Secret "${secretName}"; valid until ${day(notAfter)}. Renewing it is up to you.`);
}

/** RFC 9525 section 6.3: a name, or one wildcard in place of the first label. */
function covers(subjectAltName: string | undefined, host: string): boolean {
  const names = (subjectAltName ?? '')
    .split(', ')
    .map((entry) => entry.replace(/^(DNS|IP Address):/, '').toLowerCase());
  return names.includes(host) || names.includes(host.replace(/^[^.]+/, '*'));
}

function yes(message: string): Verdict<'CertificateReady'> {
  return { type: 'CertificateReady', status: 'True', reason: 'Issued', message };
}

function pending(message: string): Verdict<'CertificateReady'> {
  return { type: 'CertificateReady', status: 'Unknown', reason: 'Pending', message };
}

function no(reason: CertificateReadyReason, message: string): Verdict<'CertificateReady'> {
  return { type: 'CertificateReady', status: 'False', reason, message };
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
