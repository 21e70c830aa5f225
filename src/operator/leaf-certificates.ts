// The servers' certificates: issued by the authority, renewed at two thirds of their life, remembered in the operator's
// namespace. There, because the operator must not read the Secrets of others, its own deliveries among them.
import { createHash, X509Certificate } from 'node:crypto';
import { isAddress } from '../desired/certificate.ts';
import type { IssuedCertificate } from '../desired/inputs.ts';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../api/names.ts';
import { generateKey, serverCertificate } from '../pki/x509.ts';
import { isNotFound } from '../kube/errors.ts';
import { FIELD_MANAGER } from './apply.ts';
import { BACKDATED_MS, encode, pairOf, type Authority, type AuthorityDependencies } from './authority.ts';
import { SECRETS, type Secret } from './kinds.ts';
import type { Client } from '../kube/client.ts';

const LIFETIME_MS = 90 * 24 * 60 * 60 * 1000;
/** Which server a Secret is for: its name is a digest. */
const SERVER_ANNOTATION = 'protectedmcp.dev/server';
const CERTIFICATE_LABEL = 'protectedmcp.dev/certificate';

export interface Leaf extends IssuedCertificate {
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly renewAt: number;
}

export interface LeafResult {
  readonly leaf: Leaf;
  /** Not kept yet: deliver it, then `keep` it. */
  readonly isNew: boolean;
  /** Whether this one or one before it was delivered. */
  readonly deliveredBefore: boolean;
}

export interface LeafDependencies extends Omit<AuthorityDependencies, 'client'> {
  readonly client: Pick<Client, 'get' | 'list' | 'apply' | 'delete'>;
  readonly authority: Authority;
}

/** Certificates of all servers, read when first needed and kept. */
export class LeafCertificates {
  readonly #deps: LeafDependencies;
  readonly #leaves = new Map<string, Leaf>();

  constructor(deps: LeafDependencies) {
    this.#deps = deps;
  }

  /**
   * The certificate for a server: the kept one while it fits the hosts, the authority and the time; a new one otherwise.
   * A new one is kept only when it was delivered (`keep`), so that `kept` says whether the name in the server's
   * namespace is known to be ours.
   */
  async get(key: string, hosts: readonly string[], signal: AbortSignal): Promise<LeafResult> {
    const kept = this.#leaves.get(key) ?? (await this.#read(key, signal));
    if (kept === undefined) return { leaf: await this.#issue(hosts), isNew: true, deliveredBefore: false };
    this.#leaves.set(key, kept);
    if (this.#fits(kept, hosts)) return { leaf: kept, isNew: false, deliveredBefore: true };
    return { leaf: await this.#issue(hosts), isNew: true, deliveredBefore: true };
  }

  /** Remembers a certificate that was delivered, beyond the life of this process. */
  async keep(key: string, leaf: Leaf, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#deps;
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: leafName(key),
        namespace,
        labels: { [MANAGED_BY_LABEL]: MANAGED_BY, [CERTIFICATE_LABEL]: 'leaf' },
        annotations: { [SERVER_ANNOTATION]: key },
      },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encode(leaf.certificate), 'tls.key': encode(leaf.key) },
    };
    await client.apply(SECRETS, secret, { fieldManager: FIELD_MANAGER, force: true, signal });
    this.#leaves.set(key, leaf);
  }

  /** The servers that certificates are kept for, some of which may be gone. */
  async keptFor(signal: AbortSignal): Promise<string[]> {
    const { client, namespace } = this.#deps;
    const selection = { namespace, labelSelector: `${CERTIFICATE_LABEL}=leaf`, metadataOnly: true };
    const { items } = await client.list(SECRETS, { ...selection, signal });
    return items.flatMap(({ metadata }) => metadata.annotations?.[SERVER_ANNOTATION] ?? []);
  }

  /** Forgets the certificate of a server that is gone. */
  async forget(key: string, signal: AbortSignal): Promise<void> {
    this.#leaves.delete(key);
    const { client, namespace } = this.#deps;
    await client.delete(SECRETS, { name: leafName(key), namespace }, { signal }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  #fits({ certificate, authority, renewAt }: Leaf, hosts: readonly string[]): boolean {
    if (authority !== this.#deps.authority.certificate || renewAt <= this.#deps.clock()) return false;
    const parsed = new X509Certificate(certificate);
    // No more names than these either: a host that is not the server's any more must not stay in it.
    if ((parsed.subjectAltName ?? '').split(', ').length !== hosts.length) return false;
    return hosts.every(
      (host) => (isAddress(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined,
    );
  }

  async #read(key: string, signal: AbortSignal): Promise<Leaf | undefined> {
    const { client, namespace } = this.#deps;
    try {
      return this.#leafOf(await client.get(SECRETS, { name: leafName(key), namespace }, { signal }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #leafOf(secret: Secret): Leaf | undefined {
    const pair = pairOf(secret);
    const { authority } = this.#deps;
    if (pair === undefined) return undefined;
    const isOurs = new X509Certificate(pair.certificate).verify(
      new X509Certificate(authority.certificate).publicKey,
    );
    return isOurs ? withTimes({ ...pair, authority: authority.certificate }) : undefined;
  }

  async #issue(hosts: readonly string[]): Promise<Leaf> {
    const { clock, authority } = this.#deps;
    const dnsNames = hosts.filter((host) => !isAddress(host));
    const [name = ''] = dnsNames;
    const key = await generateKey();
    const certificate = await serverCertificate({
      key,
      names: {
        // RFC 5280 appendix A: a common name has at most 64 characters. Clients look at the alternative names.
        commonName: name === '' || name.length > 64 ? 'Protected MCP server' : name,
        dnsNames,
        ipAddresses: hosts.filter(isAddress),
      },
      validity: { notBefore: new Date(clock() - BACKDATED_MS), notAfter: new Date(clock() + LIFETIME_MS) },
      authority,
    });
    return withTimes({ certificate, key, authority: authority.certificate });
  }
}

/** Renewal at two thirds of the life: a third is left for whatever keeps the new one from arriving. */
function withTimes(issued: IssuedCertificate): Leaf {
  const { validFromDate, validToDate } = new X509Certificate(issued.certificate);
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  return { ...issued, notAfter, renewAt: notBefore + ((notAfter - notBefore) * 2) / 3 };
}

function leafName(key: string): string {
  return `leaf-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}
