// The certificate of the development Keycloak, and the authority that clients trust for it. Stores nothing.
import { X509Certificate } from 'node:crypto';
import { authorityCertificate, generateKey, serverCertificate } from '../../pki/x509.ts';

const DAY_MS = 86_400_000;
const LIFETIME_MS = 365 * DAY_MS;
/** The Job renews what has less than this left when it runs. */
const RENEW_BEFORE_MS = 30 * DAY_MS;

/** All PEM. The authority's key is not among them: it signs once and is forgotten, so that it cannot sign again. */
interface KeycloakCertificate {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export async function makeCertificate(
  dnsNames: readonly string[],
  now: number,
): Promise<KeycloakCertificate> {
  // An hour back, for clients whose clocks are late.
  const validity = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + LIFETIME_MS) };
  const authorityKey = await generateKey();
  const authority = await authorityCertificate(authorityKey, {
    commonName: 'Keycloak for development',
    ...validity,
  });
  const key = await generateKey();
  const certificate = await serverCertificate({
    key,
    names: { commonName: 'keycloak', dnsNames, ipAddresses: ['127.0.0.1'] },
    validity,
    authority: { certificate: authority, key: authorityKey },
  });
  return { authority, certificate, key };
}

export function isCurrent(certificate: string, now: number): boolean {
  try {
    return new X509Certificate(certificate).validToDate.getTime() - now > RENEW_BEFORE_MS;
  } catch {
    return false;
  }
}
