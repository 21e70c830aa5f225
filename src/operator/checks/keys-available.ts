// KeysAvailable: whether the sidecars hold keys of every issuer. Each says so itself.
import type { Verdict } from '../../api/conditions.ts';
import type { Inputs } from '../inputs.ts';

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
    const message = `The sidecar of pod ${failed.pod} has no keys of ${failed.issuer}: ${failed.lastError}. Tokens get 503 until it has.`;
    return { type, status: 'False', reason: reasonOf(failed.lastError), message };
  }
  const [misnamed] = reports.flatMap(({ issuers }) =>
    issuers.filter(({ mismatch }) => mismatch !== undefined),
  );
  if (misnamed?.mismatch !== undefined) {
    // RFC 8414 section 3.3: clients refuse an authorization server whose metadata has another name.
    const message =
      `The metadata of ${misnamed.issuer} names another issuer, so that clients cannot log in: ${misnamed.mismatch}. ` +
      'Copy the issuer from the metadata, or correct the authorization server.';
    return { type, status: 'False', reason: 'DiscoveryFailed', message };
  }
  const [waiting] = missing;
  if (waiting !== undefined) {
    const message = `The sidecar of pod ${waiting.pod} is fetching the keys of ${waiting.issuer}.`;
    return { type, status: 'Unknown', reason: 'Pending', message };
  }
  if (reports.length === 0) {
    // Not the error itself: it differs from try to try, and each difference would be a write.
    const isSilent = pods.some(({ report }) => report?.error !== undefined);
    const message = isSilent ? 'No sidecar answers on its admin port, 9001.' : 'No sidecar has started yet.';
    return { type, status: 'Unknown', reason: 'Pending', message };
  }
  const stale = reports.flatMap(({ issuers }) => issuers).find(({ lastError }) => lastError !== undefined);
  const message = stale
    ? `Keys are held, but the last refresh failed; they are kept for up to 24 h. ${stale.issuer}: ${stale.lastError}`
    : 'The sidecars hold the keys of every issuer.';
  return { type, status: 'True', reason: 'KeysLoaded', message };
}

/** The sidecar's words for what went wrong, sorted by what there is to do about it. */
function reasonOf(lastError: string): 'IssuerUnreachable' | 'DiscoveryFailed' | 'NoUsableKey' {
  if (/no key in the set/.test(lastError)) return 'NoUsableKey';
  if (/names the issuer|no usable https|not a JWK set|status \d+|not JSON/.test(lastError))
    return 'DiscoveryFailed';
  return 'IssuerUnreachable';
}
