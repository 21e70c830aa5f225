// Issues the two kinds of X.509 certificate of this project: authority and TLS server. Stores nothing.
import { createHash, createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type * as X509 from '@peculiar/x509';
import { NAME_CONSTRAINTS, nameConstraints, type PermittedNames } from './name-constraints.ts';

interface Validity {
  notBefore: Date;
  notAfter: Date;
}

export interface CertificateNames {
  commonName: string;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new EC P-256 private key, PKCS #8 in PEM. */
export async function generateKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  }) as string;
}

/**
 * The root certificate for a key. Its subject follows from the key, so that certificates made again for the same key
 * verify the same leaves.
 * RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.1.3 and 4.2.1.9: what a CA certificate must carry (OpenSSL's and Python's
 * strict mode refuse it otherwise).
 */
export async function authorityCertificate(
  key: string,
  {
    commonName,
    notBefore,
    notAfter,
    permitted,
  }: Validity & { commonName: string; permitted?: PermittedNames },
): Promise<string> {
  const x509 = await loadLibrary();
  const keys = await importKey(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ O: ['Protected MCP'] }, { CN: [`${commonName} ${keyTag(key)}`] }],
    notBefore,
    notAfter,
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ...(permitted === undefined
        ? []
        : [new x509.Extension(NAME_CONSTRAINTS, true, nameConstraints(permitted))]),
    ],
  });
  return pem(certificate);
}

/** A TLS server certificate for a key, signed by the authority. RFC 9525: clients look at the alternative names only. */
export async function serverCertificate(options: {
  key: string;
  names: CertificateNames;
  validity: Validity;
  authority: { certificate: string; key: string };
}): Promise<string> {
  const x509 = await loadLibrary();
  const authority = await importKey(options.authority.key);
  const subject = await importKey(options.key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [options.names.commonName] }],
    issuer: new x509.X509Certificate(options.authority.certificate).subjectName,
    ...options.validity,
    signingAlgorithm: ECDSA,
    publicKey: subject.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...options.names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...options.names.ipAddresses.map((value) => ({ type: 'ip' as const, value: ipAddress(value) })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(subject.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return pem(certificate);
}

/** Loaded only when a certificate is made: most starts find theirs on disk and save the time. */
async function loadLibrary(): Promise<typeof X509> {
  await import('reflect-metadata'); // @peculiar/x509 does not load without it.
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

async function importKey(key: string): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, ECDSA, true, ['verify']),
  };
}

/** Six digits that tell two authorities apart in a browser's list. */
function keyTag(key: string): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 6);
}

/** RFC 5280 section 4.1.2.2: positive, at most 20 octets; random, so that two processes never make the same one. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function ipAddress(value: string): string {
  if (isIP(value) === 0) throw new TypeError(`"${value}" is not an IP address`);
  return value;
}

function pem(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}
