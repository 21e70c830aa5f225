// The operator's own certificate authority: kept in a Secret of the operator's namespace, made once, shared by replicas.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Client } from '../kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../kube/errors.ts';
import { authorityCertificate, generateKey } from '../pki/x509.ts';
import { decodeSecretValue, encodeSecretValue } from '../protocol/secret-data.ts';
import { FIELD_MANAGER } from './field-managers.ts';
import { CONFIG_MAPS, SECRETS, type Secret } from './kinds.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFETIME_MS = 10 * 365 * DAY_MS;
/** The authority is made again this long before its end: no leaf may outlive it. */
const RESERVE_MS = 180 * DAY_MS;
/** How far certificates are backdated (milliseconds): clocks of nodes disagree by minutes. */
export const BACKDATED_MS = 5 * 60_000;

export const AUTHORITY_NAME = 'protected-mcp-ca';

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface AuthorityDependencies {
  readonly client: Pick<Client, 'get' | 'create' | 'update' | 'apply'>;
  /** The operator's namespace. */
  readonly namespace: string;
  readonly clock: Clock;
}

/** Reads the authority; makes it where there is none or it is near its end. The certificate is published in a ConfigMap. */
export async function ensureAuthority(deps: AuthorityDependencies, signal: AbortSignal): Promise<Authority> {
  const found = await read(deps, signal);
  const usable = found === undefined ? undefined : pairOf(found);
  const authority =
    usable && expiresAfter(usable.certificate, deps.clock() + RESERVE_MS)
      ? usable
      : await make(deps, found, usable?.key, signal);
  await publish(deps, authority, signal);
  return authority;
}

async function read(
  { client, namespace }: AuthorityDependencies,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  try {
    return await client.get(SECRETS, { name: AUTHORITY_NAME, namespace }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A new certificate keeps the key, so that leaves issued before still verify. */
async function make(
  deps: AuthorityDependencies,
  found: Secret | undefined,
  oldKey: string | undefined,
  signal: AbortSignal,
): Promise<Authority> {
  const { client, namespace, clock } = deps;
  const key = oldKey ?? (await generateKey());
  const certificate = await authorityCertificate(key, {
    commonName: 'Protected MCP CA',
    notBefore: new Date(clock() - BACKDATED_MS),
    notAfter: new Date(clock() + LIFETIME_MS),
  });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...found?.metadata, name: AUTHORITY_NAME, namespace },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': encodeSecretValue(certificate), 'tls.key': encodeSecretValue(key) },
  };
  const options = { fieldManager: FIELD_MANAGER, signal };
  try {
    // Never forced: of two operators that start at once, the second must use the first one's.
    await (found === undefined
      ? client.create(SECRETS, secret, options)
      : client.update(SECRETS, secret, options));
    return { certificate, key };
  } catch (error) {
    const other = isAlreadyExists(error) || isConflict(error) ? await read(deps, signal) : undefined;
    const pair = other && pairOf(other);
    if (pair === undefined) throw error;
    return pair;
  }
}

function publish(
  { client, namespace }: AuthorityDependencies,
  { certificate }: Authority,
  signal: AbortSignal,
) {
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: AUTHORITY_NAME, namespace },
    data: { 'ca.crt': certificate },
  };
  return client.apply(CONFIG_MAPS, configMap, { fieldManager: FIELD_MANAGER, force: true, signal });
}

/** Certificate and key of a TLS Secret; undefined where they are missing or do not belong together. */
export function pairOf({ data }: Secret): Authority | undefined {
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

function expiresAfter(certificate: string, time: number): boolean {
  return new X509Certificate(certificate).validToDate.getTime() > time;
}

function decode(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodeSecretValue(text);
}
