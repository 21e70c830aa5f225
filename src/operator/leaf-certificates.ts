// The servers' certificates: issued by the authority, renewed at two thirds of their life, kept in the operator's
// namespace. There, because the operator must not read the Secrets of other namespaces, not even those that it wrote.
import { createHash, X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { isAddress, withoutBrackets } from '../protocol/host.ts';
import { encodeSecretValue } from '../protocol/secret-data.ts';
import type { IssuedCertificate } from '../desired/inputs.ts';
import { CERTIFICATE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, SERVER_ANNOTATION } from '../api/names.ts';
import { serverCertificate, generateKey } from '../pki/x509.ts';
import type { Client } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { splitKey } from '../kube/object.ts';
import { BACKDATED_MS, isIssuedBy, pairOf, type Pair } from './authority.ts';
import { FIELD_MANAGER } from './field-managers.ts';
import { SECRETS, type Secret } from './kinds.ts';
import { replaceOrCreate } from './secrets.ts';

const LIFETIME_MS = 90 * 24 * 60 * 60 * 1000;

export interface Leaf extends Omit<IssuedCertificate, 'authority'> {
  /** Names and addresses that it is valid for. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly renewAt: number;
}

/** A certificate that is known to have been delivered to its server's namespace. */
export interface DeliveredLeaf {
  readonly leaf: Leaf;
  /** When this process delivered it last; undefined when only an earlier one did. */
  readonly deliveredAt: number | undefined;
  /** PEM: what was delivered with it for clients to trust; undefined when only an earlier process did. */
  readonly bundle: string | undefined;
}

interface LeafDependencies {
  readonly client: Pick<Client, 'list' | 'create' | 'replace' | 'delete'>;
  /** The operator's namespace. */
  readonly namespace: string;
  readonly clock: Clock;
  /** What certificates are signed with now; undefined when they cannot be. */
  readonly signer: () => Pair | undefined;
}

/** Two servers of different namespaces want one host at the same time: the later one looks again, and is told. */
export class HostClaimed extends Error {
  constructor(host: string) {
    super(`${host} is being certified for a server of another namespace`);
    this.name = 'HostClaimed';
  }
}

/** Certificates of all servers, read once and kept. */
export class LeafCertificates {
  readonly #deps: LeafDependencies;
  readonly #delivered = new Map<string, DeliveredLeaf>();
  /** The hosts of certificates that are issued and not yet delivered, by server. */
  readonly #claims = new Map<string, readonly string[]>();

  constructor(deps: LeafDependencies) {
    this.#deps = deps;
  }

  /** Reads what was kept by operators before this one. */
  async load(signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#deps;
    const selection = { namespace, labelSelector: `${CERTIFICATE_LABEL}=leaf` };
    const { items } = await client.list(SECRETS, { ...selection, signal });
    for (const secret of items) {
      const key = secret.metadata.annotations?.[SERVER_ANNOTATION];
      const leaf = leafOf(secret);
      if (key !== undefined && leaf !== undefined && secret.metadata.name === leafName(key))
        this.#delivered.set(key, { leaf, deliveredAt: undefined, bundle: undefined });
    }
  }

  /**
   * The certificate that was last delivered for a server, whether or not it still fits.
   * @returns undefined when none was: then a Secret of its name in the server's namespace is not the operator's
   */
  find(key: string): DeliveredLeaf | undefined {
    return this.#delivered.get(key);
  }

  /** The keys of the servers that certificates are kept for, some of which may be gone. */
  keys(): string[] {
    return [...this.#delivered.keys()];
  }

  isAny(): boolean {
    return this.#delivered.size > 0;
  }

  /** Whether a certificate that has not expired is of another authority than this one, PEM. */
  isAnyNotOf(authority: string): boolean {
    const now = this.#deps.clock();
    return [...this.#delivered.values()].some(
      ({ leaf }) => leaf.notAfter > now && !isIssuedBy(leaf.certificate, authority),
    );
  }

  /** The servers of other namespaces that have a certificate for a host, or are about to. */
  holders(host: string, namespace: string): string[] {
    const claiming = [...this.#claims].filter(([, hosts]) => hosts.includes(host)).map(([key]) => key);
    const having = [...this.#delivered]
      .filter(([, { leaf }]) => leaf.hosts.includes(host))
      .map(([key]) => key);
    return [...new Set([...having, ...claiming])].filter((key) => splitKey(key).namespace !== namespace);
  }

  /**
   * A new certificate for these hosts. Stored nowhere until it is delivered.
   * @param seen the servers of other namespaces that were known to have one of them when this was decided
   * @throws HostClaimed when another has got one since
   */
  async issue(key: string, hosts: readonly string[], seen: readonly string[]): Promise<Leaf> {
    const { clock, signer } = this.#deps;
    const { namespace = '' } = splitKey(key);
    const claimed = hosts.find((host) =>
      this.holders(host, namespace).some((other) => !seen.includes(other)),
    );
    if (claimed !== undefined) throw new HostClaimed(claimed);
    this.#claims.set(key, hosts); // before anything is awaited
    const authority = signer();
    if (authority === undefined) throw new Error('certificate decided on without an authority');
    const dnsNames = hosts.filter((host) => !isAddress(host));
    const [name = ''] = dnsNames;
    const leafKey = await generateKey();
    const certificate = await serverCertificate({
      key: leafKey,
      names: {
        // RFC 5280 appendix A: a common name has at most 64 characters. Clients look at the alternative names.
        commonName: name === '' || name.length > 64 ? 'Protected MCP server' : name,
        dnsNames,
        ipAddresses: hosts.filter(isAddress),
      },
      validity: { notBefore: new Date(clock() - BACKDATED_MS), notAfter: new Date(clock() + LIFETIME_MS) },
      authority,
    });
    return parsed({ certificate, key: leafKey });
  }

  /**
   * Remembers that a certificate was delivered; one that is new, beyond the life of this process. Only after the
   * delivery, so that `find` says whether the Secret in the server's namespace is the operator's.
   * @param bundle what was delivered with it for clients to trust, PEM
   * @returns whether it was new
   */
  async keep(key: string, leaf: Leaf, bundle: string, signal: AbortSignal): Promise<boolean> {
    const isNew = this.#delivered.get(key)?.leaf.certificate !== leaf.certificate;
    if (isNew) await this.#write(key, leaf, signal);
    this.#delivered.set(key, { leaf, deliveredAt: this.#deps.clock(), bundle });
    this.#claims.delete(key);
    return isNew;
  }

  /** Forgets the certificate of a server that is gone. */
  async forget(key: string, signal: AbortSignal): Promise<void> {
    this.#delivered.delete(key);
    this.#claims.delete(key);
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
}

/** Whether a certificate has exactly these hosts. One that is not the server's any more must not stay in it. */
export function coversHosts({ hosts: covered }: Leaf, hosts: readonly string[]): boolean {
  return covered.length === hosts.length && hosts.every((host) => covered.includes(host));
}

function leafOf(secret: Secret): Leaf | undefined {
  const pair = pairOf(secret);
  return pair && parsed(pair);
}

/** Renewal at two thirds of the life: the last third is a reserve for a delivery that is delayed. */
function parsed(pair: Pair): Leaf {
  const { validFromDate, validToDate, subjectAltName = '' } = new X509Certificate(pair.certificate);
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  return {
    ...pair,
    hosts: subjectAltName.split(', ').map(hostOf),
    notAfter,
    renewAt: notBefore + ((notAfter - notBefore) * 2) / 3,
  };
}

/** `DNS:echo.demo.svc`, `IP Address:2001:DB8:0:0:0:0:0:1` -> as they stand in a URL, without brackets. */
function hostOf(entry: string): string {
  const host = entry.slice(entry.indexOf(':') + 1);
  return isIPv6(host) ? withoutBrackets(new URL(`https://[${host}]`).hostname) : host.toLowerCase();
}

function leafName(key: string): string {
  return `leaf-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}
