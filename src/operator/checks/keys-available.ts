// KeysAvailable: whether the sidecars hold signing keys of every issuer, as each reports it. Pure.
import type { KeysAvailableReason, Verdict } from '../../protocol/conditions.ts';
import { ADMIN_PORT } from '../../api/names.ts';
import type { Inputs } from '../inputs.ts';
import type { ReportedCode } from '../sidecar-status.ts';

export function keysAvailable({ pods }: Inputs): Verdict<'KeysAvailable'> {
  const type = 'KeysAvailable';
  const reports = pods.flatMap(({ name, report }) =>
    report?.status ? [{ pod: name, ...report.status }] : [],
  );
  const missing = reports.flatMap(({ pod, issuers }) =>
    issuers.filter(({ keys }) => keys === 0).map(({ issuer, lastError }) => ({ pod, issuer, lastError })),
  );
  const failed = missing.find(({ lastError }) => lastError !== undefined);
  if (failed?.lastError !== undefined) {
    const { pod, issuer, lastError } = failed;
    const { reason, nextStep } = explain(lastError.code);
    const message =
      `Sidecar in pod ${pod} has no signing keys for ${issuer}: ${lastError.message}; ` +
      `requests get 503 until keys load. ${nextStep}`;
    return { type, status: 'False', reason, message };
  }
  const [misnamed] = reports.flatMap(({ issuers }) =>
    issuers.filter(({ mismatch }) => mismatch !== undefined),
  );
  if (misnamed?.mismatch !== undefined) {
    // RFC 8414 section 3.3: clients refuse an authorization server whose metadata has another name.
    const { reason, nextStep } = explain('issuer_mismatch');
    const message =
      `Metadata of ${misnamed.issuer} names another issuer, so clients cannot log in: ` +
      `${misnamed.mismatch}. ${nextStep}`;
    return { type, status: 'False', reason, message };
  }
  const [waiting] = missing;
  if (waiting !== undefined) {
    const message = `Sidecar in pod ${waiting.pod} is fetching the signing keys of ${waiting.issuer}.`;
    return { type, status: 'Unknown', reason: 'Pending', message };
  }
  if (reports.length === 0) {
    // Not the error itself: it differs from try to try, and each difference would be a write.
    const isSilent = pods.some(({ report }) => report?.error !== undefined);
    const message = isSilent
      ? `No sidecar answers on its admin port, ${ADMIN_PORT}.`
      : 'No sidecar has started yet.';
    return { type, status: 'Unknown', reason: 'Pending', message };
  }
  const stale = reports.flatMap(({ issuers }) => issuers).find(({ lastError }) => lastError !== undefined);
  const message = stale?.lastError
    ? `Keys are held, but the last refresh failed; they are kept for up to 24 h. ${stale.issuer}: ${stale.lastError.message}`
    : 'The sidecars hold the signing keys of every issuer.';
  return { type, status: 'True', reason: 'KeysLoaded', message };
}

interface Explanation {
  readonly reason: Extract<KeysAvailableReason, 'IssuerUnreachable' | 'DiscoveryFailed' | 'NoUsableKey'>;
  readonly nextStep: string;
}

/** The reason of a failure and what there is to do about it. The table in docs/authorization-servers.md says the same. */
function explain(code: ReportedCode): Explanation {
  switch (code) {
    case 'unreachable':
    case 'timeout':
    case 'unavailable':
      return {
        reason: 'IssuerUnreachable',
        nextStep:
          'Check that the issuer is up and that pods may connect to it (DNS, NetworkPolicy, firewall).',
      };
    case 'tls':
      return {
        reason: 'IssuerUnreachable',
        nextStep: "Check the issuer's certificate and jwks.caBundleRef, the CA bundle that it must chain to.",
      };
    case 'issuer_mismatch':
      return {
        reason: 'DiscoveryFailed',
        nextStep: 'Copy the issuer from the metadata, or correct the authorization server.',
      };
    case 'refused_address':
      return {
        reason: 'DiscoveryFailed',
        nextStep: 'Set jwks.uri: a configured URL may lead to any address, one found in metadata may not.',
      };
    case 'redirect':
    case 'bad_status':
    case 'not_http':
    case 'too_large':
    case 'not_utf8':
    case 'not_json':
    case 'not_metadata':
    case 'no_jwks_uri':
    case 'not_jwks':
      return {
        reason: 'DiscoveryFailed',
        nextStep: 'Check the issuer and its metadata, or set jwks.uri to the URL of its JWK set.',
      };
    case 'no_usable_key':
      return {
        reason: 'NoUsableKey',
        nextStep: 'Publish a signing key: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519.',
      };
    case 'no_introspection_endpoint':
    case 'not_introspection':
    case 'stopped':
    case 'unexpected':
    case 'unknown':
      return { reason: 'DiscoveryFailed', nextStep: "See the sidecar's log." };
    default:
      return code satisfies never;
  }
}
