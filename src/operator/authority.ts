// PURE but for key generation: the states of the operator's own certificate authority, from its making through a rotation to
// its end, and how a Secret holds one. Reads and writes nothing; authority-keeper.ts does.
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../api/names.ts';
import { nameConstraints, type PermittedNames } from '../pki/name-constraints.ts';
import { authorityCertificate, generateKey } from '../pki/x509.ts';
import { decodeSecretValue, encodeSecretValue } from '../protocol/secret-data.ts';
import type { Secret } from './kinds.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFETIME_MS = 10 * 365 * DAY_MS;
/** The certificate of the authority is made again this long before its end: no leaf may outlive it. */
const RESERVE_MS = 180 * DAY_MS;
/** How far certificates are backdated (milliseconds): clocks of nodes disagree by minutes. */
export const BACKDATED_MS = 5 * 60_000;

/** The name of the Secret that holds the authority, and of the ConfigMap that publishes its certificates. */
export const AUTHORITY_NAME = 'protected-mcp-ca';
/** On the Secret, with any value: a request to rotate. */
export const ROTATE_ANNOTATION = 'protectedmcp.dev/rotate';
/** On the Secret during a rotation: when the newest key begins to sign. */
const ACTIVE_FROM_ANNOTATION = 'protectedmcp.dev/active-from';

/** A certificate and its private key, both PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface AuthorityState {
  readonly newest: Pair;
  /** The authority before, while clients still have to trust it. Its key is gone once the newest signs, or was lost. */
  readonly previous: { readonly certificate: string; readonly key: string | undefined } | undefined;
  /** From then on the newest signs (milliseconds since the epoch); clients have learned of it meanwhile. */
  readonly activeFrom: number;
}

interface Circumstances {
  readonly now: number;
  /** How long clients have to read a new bundle (milliseconds): before a key signs, and after another has stopped. */
  readonly overlapMs: number;
  /** What the authority is allowed to certify. */
  readonly permitted: PermittedNames;
  readonly rotate: boolean;
  /** Whether a certificate that is not of the newest key may still be served. */
  readonly previousInUse: () => boolean;
}

type Making = Pick<Circumstances, 'now' | 'permitted'>;

/** An authority with a key of its own. */
export async function newAuthority(making: Making): Promise<AuthorityState> {
  return { newest: await certified(await generateKey(), making), previous: undefined, activeFrom: 0 };
}

/** One that takes the place of another whose key is lost or was replaced: leaves of that one stay good for the overlap. */
export function succeeding(state: AuthorityState, certificate: string, from: number): AuthorityState {
  return { ...state, previous: { certificate, key: undefined }, activeFrom: from };
}

/** The state that is due; the same object when nothing is. One step at a time. */
export async function nextState(state: AuthorityState, at: Circumstances): Promise<AuthorityState> {
  const current = await recertified(state, at);
  const { newest, previous, activeFrom } = current;
  if (previous === undefined) {
    if (!at.rotate) return current;
    return {
      newest: await certified(await generateKey(), at),
      previous: newest,
      activeFrom: at.now + at.overlapMs,
    };
  }
  if (at.now < activeFrom) return current;
  const isOver = at.now >= activeFrom + at.overlapMs && !at.previousInUse();
  if (isOver || expiresBefore(previous.certificate, at.now))
    return { newest, previous: undefined, activeFrom: 0 };
  if (previous.key === undefined) return current;
  return { newest, previous: { certificate: previous.certificate, key: undefined }, activeFrom };
}

/** The pair that signs now. */
export function signer({ newest, previous, activeFrom }: AuthorityState, now: number): Pair {
  if (previous?.key === undefined || now >= activeFrom) return newest;
  return { certificate: previous.certificate, key: previous.key };
}

/** PEM: every certificate that clients are to trust. The one that signs comes first. */
export function bundleOf(state: AuthorityState, now: number): string {
  const { certificate } = signer(state, now);
  const all = [state.newest.certificate, ...(state.previous ? [state.previous.certificate] : [])];
  return [certificate, ...all.filter((one) => one !== certificate)]
    .map((one) => `${one.trimEnd()}\n`)
    .join('');
}

/** The authorities whose certificates need not be replaced now, each PEM. */
export function acceptedSigners({ newest, previous, activeFrom }: AuthorityState, now: number): string[] {
  return previous === undefined || now >= activeFrom
    ? [newest.certificate]
    : [newest.certificate, previous.certificate];
}

/** By the signature: an authority whose certificate was made again for its key is the same one. */
export function isIssuedBy(certificate: string, authority: string): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey);
}

/** Whether two certificates, PEM, are of the same key. */
export function haveSameKey(a: string, b: string): boolean {
  return new X509Certificate(a).publicKey.equals(new X509Certificate(b).publicKey);
}

/** What people call a certificate by: the first 16 digits of its SHA-256 digest. */
export function fingerprint(certificate: string): string {
  const digest = createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
  return digest.slice(0, 16);
}

/** The first certificate of a PEM text; undefined where there is none. */
export function firstCertificate(pem: string | undefined): string | undefined {
  const found = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem ?? '')?.[0];
  if (found === undefined) return undefined;
  try {
    return new X509Certificate(found).toString();
  } catch {
    return undefined;
  }
}

/** The Secret that holds a state; what others wrote into its metadata stays, a request to rotate that is carried out not. */
export function secretOf(state: AuthorityState, namespace: string, found: Secret | undefined): Secret {
  const { newest, previous, activeFrom } = state;
  const {
    [ACTIVE_FROM_ANNOTATION]: _,
    [ROTATE_ANNOTATION]: request,
    ...others
  } = found?.metadata.annotations ?? {};
  const isCarriedOut = previous !== undefined && found?.data?.['previous.crt'] === undefined;
  const annotations = {
    ...others,
    ...(request !== undefined && !isCarriedOut && { [ROTATE_ANNOTATION]: request }),
    ...(previous && { [ACTIVE_FROM_ANNOTATION]: new Date(activeFrom).toISOString() }),
  };
  const labels = { ...found?.metadata.labels, [MANAGED_BY_LABEL]: MANAGED_BY };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...found?.metadata, name: AUTHORITY_NAME, namespace, labels, annotations },
    type: 'kubernetes.io/tls',
    data: {
      'tls.crt': encodeSecretValue(newest.certificate),
      'tls.key': encodeSecretValue(newest.key),
      ...(previous && { 'previous.crt': encodeSecretValue(previous.certificate) }),
      ...(previous?.key !== undefined && { 'previous.key': encodeSecretValue(previous.key) }),
    },
  } as Secret;
}

/** The state that a Secret holds; undefined where it has no certificate with its key. */
export function stateOf(secret: Secret): AuthorityState | undefined {
  const newest = pairOf(secret);
  if (newest === undefined) return undefined;
  const certificate = firstCertificate(decode(secret.data?.['previous.crt']));
  const activeFrom = Date.parse(secret.metadata.annotations?.[ACTIVE_FROM_ANNOTATION] ?? '');
  return {
    newest,
    previous: certificate === undefined ? undefined : { certificate, key: previousKey(secret) },
    activeFrom: Number.isNaN(activeFrom) ? 0 : activeFrom,
  };
}

function previousKey({ data = {} }: Secret): string | undefined {
  const { 'previous.crt': certificate, 'previous.key': key } = data;
  if (certificate === undefined || key === undefined) return undefined;
  return pairOf({ data: { 'tls.crt': certificate, 'tls.key': key } })?.key;
}

/** Certificate and key of a TLS Secret; undefined where they are missing or do not belong together. */
export function pairOf({ data }: Pick<Secret, 'data'>): Pair | undefined {
  const certificate = decode(data?.['tls.crt']);
  const key = decode(data?.['tls.key']);
  if (certificate === undefined || key === undefined) return undefined;
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
      ? { certificate, key }
      : undefined;
  } catch {
    return undefined;
  }
}

/** A certificate that ends soon, or permits other names, is made again for its key, so that every leaf stays good. */
async function recertified(state: AuthorityState, making: Making): Promise<AuthorityState> {
  const { newest, previous } = state;
  const isFine = ({ certificate }: { certificate: string }) =>
    !expiresBefore(certificate, making.now + RESERVE_MS) && permits(certificate, making.permitted);
  const before =
    previous?.key !== undefined && !isFine(previous) ? await certified(previous.key, making) : previous;
  if (isFine(newest) && before === previous) return state;
  return {
    ...state,
    newest: isFine(newest) ? newest : await certified(newest.key, making),
    previous: before,
  };
}

async function certified(key: string, { now, permitted }: Making): Promise<Pair> {
  const certificate = await authorityCertificate(key, {
    commonName: 'Protected MCP CA',
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + LIFETIME_MS),
    permitted,
  });
  return { certificate, key };
}

/** Whether a certificate has exactly the constraints that were asked for: their DER is in it, or not. */
function permits(certificate: string, permitted: PermittedNames): boolean {
  return new X509Certificate(certificate).raw.includes(nameConstraints(permitted));
}

function expiresBefore(certificate: string, time: number): boolean {
  return new X509Certificate(certificate).validToDate.getTime() <= time;
}

function decode(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodeSecretValue(text);
}
