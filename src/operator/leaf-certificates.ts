// The servers' certificates: issued by the authority, renewed at two thirds of their life, kept in the operator's
// namespace. There, because the operator must not read the Secrets of other namespaces, not even those that it wrote.
import { createHash, X509Certificate } from 'node:crypto';
import { isAddress } from '../protocol/host.ts';
import { encodeSecretValue } from '../protocol/secret-data.ts';
import type { IssuedCertificate } from '../desired/inputs.ts';
import { CERTIFICATE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, SERVER_ANNOTATION } from '../api/names.ts';
import { generateKey, serverCertificate } from '../pki/x509.ts';
import { isNotFound } from '../kube/errors.ts';
import { BACKDATED_MS, pairOf, type Authority, type AuthorityDependencies } from './authority.ts';
import { FIELD_MANAGER } from './field-managers.ts';
import { SECRETS, type Secret } from './kinds.ts';
import { replaceOrCreate } from './secrets.ts';
import type { Client } from '../kube/client.ts';

const LIFETIME_MS = 90 * 24 * 60 * 60 * 1000;

export interface Leaf extends IssuedCertificate {
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly renewAt: number;
}

/** A certificate that is known to have been delivered to its server's namespace. */
export interface DeliveredLeaf {
  readonly leaf: Leaf;
  /** When this process delivered it last; undefined when only an earlier one did. */
  readonly deliveredAt: number | undefined;
}

interface LeafDependencies extends Omit<AuthorityDependencies, 'client'> {
  readonly client: Pick<Client, 'get' | 'list' | 'create' | 'replace' | 'delete'>;
  readonly authority: Authority;
}

/** Certificates of all servers, read when first needed and kept. */
export class LeafCertificates {
  readonly #deps: LeafDependencies;
  readonly #delivered = new Map<string, DeliveredLeaf>();

  constructor(deps: LeafDependencies) {
    this.#deps = deps;
  }

  /** PEM: the certificate that all of them are signed with. */
  get authority(): string {
    return this.#deps.authority.certificate;
  }

  /**
   * The certificate that was last delivered for a server, whether or not it still fits.
   * @returns undefined when none was: then a Secret of its name in the server's namespace is not the operator's
   */
  async find(key: string, signal: AbortSignal): Promise<DeliveredLeaf | undefined> {
    const known = this.#delivered.get(key);
    if (known !== undefined) return known;
    const leaf = await this.#read(key, signal);
    if (leaf === undefined) return undefined;
    const delivered = { leaf, deliveredAt: undefined };
    this.#delivered.set(key, delivered);
    return delivered;
  }

  /** A new certificate for these hosts. Stored nowhere until it is delivered. */
  async issue(hosts: readonly string[]): Promise<Leaf> {
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

  /**
   * Remembers that a certificate was delivered; one that is new, beyond the life of this process. Only after the
   * delivery, so that `find` says whether the Secret in the server's namespace is the operator's.
   * @returns whether it was new
   */
  async keep(key: string, leaf: Leaf, signal: AbortSignal): Promise<boolean> {
    const isNew = this.#delivered.get(key)?.leaf.certificate !== leaf.certificate;
    if (isNew) await this.#write(key, leaf, signal);
    this.#delivered.set(key, { leaf, deliveredAt: this.#deps.clock() });
    return isNew;
  }

  /** The keys of the servers that certificates are kept for, some of which may be gone. */
  async keptFor(signal: AbortSignal): Promise<string[]> {
    const { client, namespace } = this.#deps;
    const selection = { namespace, labelSelector: `${CERTIFICATE_LABEL}=leaf`, metadataOnly: true };
    const { items } = await client.list(SECRETS, { ...selection, signal });
    return items.flatMap(({ metadata }) => metadata.annotations?.[SERVER_ANNOTATION] ?? []);
  }

  /** Forgets the certificate of a server that is gone. */
  async forget(key: string, signal: AbortSignal): Promise<void> {
    this.#delivered.delete(key);
    const { client, namespace } = this.#deps;
    await client.delete(SECRETS, { name: leafName(key), namespace }, { signal }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  async #write(key: string, leaf: Leaf, signal: AbortSignal): Promise<void> {
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
      data: { 'tls.crt': encodeSecretValue(leaf.certificate), 'tls.key': encodeSecretValue(leaf.key) },
    };
    await replaceOrCreate(client, SECRETS, secret, { fieldManager: FIELD_MANAGER, signal });
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
    const isIssuedHere = new X509Certificate(pair.certificate).verify(
      new X509Certificate(authority.certificate).publicKey,
    );
    return isIssuedHere ? withTimes({ ...pair, authority: authority.certificate }) : undefined;
  }
}

/** Whether a certificate has exactly these hosts. One that is not the server's any more must not stay in it. */
export function coversHosts({ certificate }: Leaf, hosts: readonly string[]): boolean {
  const parsed = new X509Certificate(certificate);
  if ((parsed.subjectAltName ?? '').split(', ').length !== hosts.length) return false;
  return hosts.every(
    (host) => (isAddress(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined,
  );
}

/** Renewal at two thirds of the life: the last third is a reserve for a delivery that is delayed. */
function withTimes(issued: IssuedCertificate): Leaf {
  const { validFromDate, validToDate } = new X509Certificate(issued.certificate);
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  return { ...issued, notAfter, renewAt: notBefore + ((notAfter - notBefore) * 2) / 3 };
}

function leafName(key: string): string {
  return `leaf-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}
