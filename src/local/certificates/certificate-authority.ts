// The local certificate authority: made once under .local/, and the TLS certificates it issues. Trust is up to users.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../base/clock.ts';
import { FileError, makePrivateDirectory, readIfPresent, writeNew, writeOver } from './files.ts';
import {
  authorityCertificate,
  generateKey,
  serverCertificate,
  type CertificateNames,
} from '../../pki/x509.ts';

const AUTHORITY_NAME = 'Protected MCP local CA';
const DAY = 24 * 60 * 60 * 1000;
const AUTHORITY_LIFETIME = 3650 * DAY;
/** A leaf may not outlive its issuer, so the authority is made again this long before its end. */
const AUTHORITY_RESERVE = 90 * DAY;
const SERVER_LIFETIME = 90 * DAY;
const RENEW_BEFORE = 30 * DAY;
/** Clocks of virtual machines and containers disagree by minutes. */
const BACKDATED = 5 * 60 * 1000;

const KEY_MODE = 0o600;
const CERTIFICATE_MODE = 0o644;

interface ServerCertificateRequest extends CertificateNames {
  /** The directory under `.local/tls/`; the common name when absent. */
  name?: string;
}

interface ServerCertificate {
  /** PEM. The root signs directly, so the chain is this one certificate. */
  certificate: string;
  /** PEM, PKCS #8. */
  key: string;
  certificateFile: string;
  keyFile: string;
  expires: Date;
}

export interface CertificateAuthority {
  /** PEM: what clients must trust. */
  certificate: string;
  certificateFile: string;
  /** The stored certificate when it still fits the names, the authority and the date; a new one otherwise. */
  issueServerCertificate(request: ServerCertificateRequest): Promise<ServerCertificate>;
}

interface CertificateAuthorityOptions {
  /** Where `ca/` and `tls/` are; default `.local`. */
  directory?: string;
  clock?: Clock;
}

interface Pair {
  certificate: string;
  key: string;
  parsed: X509Certificate;
}

/**
 * Opens the local authority; makes it when there is none or when it cannot be used any more (expired, damaged).
 *
 * Two processes may do this at once. The key is created exclusively, the first writer's stays, and certificates are
 * only ever made for the key that is on disk: whichever certificate is written last, it matches.
 */
export async function openCertificateAuthority(
  options: CertificateAuthorityOptions = {},
): Promise<CertificateAuthority> {
  const directory = options.directory ?? '.local';
  const clock = options.clock ?? systemClock;
  const files = pairFiles(join(directory, 'ca'), 'ca');

  const authority = await ensurePair(files, {
    fits: (certificate) => certificate.ca && expiresAfter(certificate, clock() + AUTHORITY_RESERVE),
    make: (key) =>
      authorityCertificate(key, { commonName: AUTHORITY_NAME, ...validity(clock(), AUTHORITY_LIFETIME) }),
  });

  return {
    certificate: authority.certificate,
    certificateFile: files.certificate,
    issueServerCertificate: (request) => issueServerCertificate(request, { directory, authority, clock }),
  };
}

async function issueServerCertificate(
  request: ServerCertificateRequest,
  { directory, authority, clock }: { directory: string; authority: Pair; clock: Clock },
): Promise<ServerCertificate> {
  const name = checkName(request.name ?? request.commonName);
  checkAddresses(request);
  const files = pairFiles(join(directory, 'tls', name), 'tls');

  const pair = await ensurePair(files, {
    fits: (certificate) =>
      certificate.checkIssued(authority.parsed) &&
      certificate.verify(authority.parsed.publicKey) &&
      expiresAfter(certificate, clock() + RENEW_BEFORE) &&
      carriesNames(certificate, request),
    make: (key) =>
      serverCertificate({ key, names: request, validity: validity(clock(), SERVER_LIFETIME), authority }),
  });

  return {
    certificate: pair.certificate,
    key: pair.key,
    certificateFile: files.certificate,
    keyFile: files.key,
    expires: pair.parsed.validToDate,
  };
}

interface PairFiles {
  directory: string;
  certificate: string;
  key: string;
}

function pairFiles(directory: string, name: string): PairFiles {
  return { directory, certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

/** Reads, repairs and reads again, until a key and a fitting certificate for it are on disk. */
async function ensurePair(
  files: PairFiles,
  want: { fits: (certificate: X509Certificate) => boolean; make: (key: string) => Promise<string> },
): Promise<Pair> {
  await makePrivateDirectory(files.directory);
  // Another process may be repairing the same files; both settle after a round or two.
  for (let round = 0; round < 5; round++) {
    const key = await readIfPresent(files.key);
    const privateKey = key === undefined ? undefined : parseKey(key);
    if (key === undefined || privateKey === undefined) {
      await (key === undefined ? writeNew : writeOver)({
        path: files.key,
        content: await generateKey(),
        mode: KEY_MODE,
      });
      continue;
    }
    const certificate = await readIfPresent(files.certificate);
    const parsed = certificate === undefined ? undefined : parseCertificate(certificate);
    if (certificate !== undefined && parsed?.checkPrivateKey(privateKey) && want.fits(parsed)) {
      return { certificate, key, parsed };
    }
    await writeOver({ path: files.certificate, content: await want.make(key), mode: CERTIFICATE_MODE });
  }
  throw new FileError(
    `${files.directory} keeps changing: another program writes to it; stop that program and try again`,
  );
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined; // Damaged: made again, like a missing one.
  }
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function validity(now: number, lifetime: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - BACKDATED), notAfter: new Date(now - BACKDATED + lifetime) };
}

function expiresAfter(certificate: X509Certificate, time: number): boolean {
  return certificate.validToDate.getTime() > time;
}

/** Exactly the names asked for: a name that was taken away must not stay valid. */
function carriesNames(
  certificate: X509Certificate,
  { commonName, dnsNames, ipAddresses }: CertificateNames,
): boolean {
  const carried = (certificate.subjectAltName ?? '').split(', ').filter(Boolean);
  const addresses = ipAddresses.every((address) => certificate.checkIP(address) !== undefined);
  const names = dnsNames.every((name) => carried.includes(`DNS:${name}`));
  const noOthers = carried.length === new Set(dnsNames).size + new Set(ipAddresses).size;
  return addresses && names && noOthers && certificate.subject === `CN=${commonName}`;
}

/** The name becomes a directory: nothing that could lead out of `.local/tls/`. */
function checkName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    throw new TypeError(`"${name}" is not a valid certificate name: use letters, digits, ".", "_" and "-"`);
  }
  return name;
}

function checkAddresses({ dnsNames, ipAddresses }: CertificateNames): void {
  if (dnsNames.length + ipAddresses.length === 0)
    throw new TypeError('a certificate needs at least one name or address');
  const wrong = ipAddresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined) throw new TypeError(`"${wrong}" is not an IP address`);
}
