// What the development Keycloak needs and no repository may hold: an administrator's password, a certificate, its authority.
// Each is made once; only a certificate near its end is replaced.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { decodeSecretValue, encodeSecretValue } from '../../protocol/secret-data.ts';
import type { ApiServer, StoredObject } from './api-server.ts';
import { isCurrent, makeCertificate } from './certificate.ts';

const ADMIN = 'keycloak-admin';
const TLS = 'keycloak-tls';
const AUTHORITY = 'keycloak-ca';
const SERVICE = 'keycloak';

interface Ensured {
  readonly object: string;
  readonly action: 'created' | 'replaced' | 'unchanged';
}

interface CredentialOptions {
  readonly namespace: string;
  readonly clock: Clock;
}

/** In the order in which Keycloak waits for them: when its certificate is there, so is the password. */
export async function ensureCredentials(
  api: ApiServer,
  { namespace, clock }: CredentialOptions,
): Promise<Ensured[]> {
  const admin = await ensure(api, await api.find('Secret', namespace, ADMIN), {
    isGood: () => true, // Keycloak has taken the password into its database: another one would lock everybody out.
    make: () => Promise.resolve(secret({ namespace, name: ADMIN, type: 'Opaque' }, adminCredentials())),
  });

  const present = await api.find('Secret', namespace, TLS);
  const tls = await ensure(api, present, {
    isGood: ({ data }) => isCurrent(decodeSecretValue(data['tls.crt'] ?? ''), clock()),
    make: async () => {
      const { authority, certificate, key } = await makeCertificate(dnsNames(namespace), clock());
      const data = { 'ca.crt': authority, 'tls.crt': certificate, 'tls.key': key };
      return secret({ namespace, name: TLS, type: 'kubernetes.io/tls' }, data);
    },
  });

  // What clients trust follows the certificate, also after that was changed or deleted.
  const trusted = decodeSecretValue((await api.find('Secret', namespace, TLS))?.data['ca.crt'] ?? '');
  const authority = await ensure(api, await api.find('ConfigMap', namespace, AUTHORITY), {
    isGood: ({ data }) => data['ca.crt'] === trusted,
    make: () => Promise.resolve(configMap(namespace, AUTHORITY, { 'ca.crt': trusted })),
  });
  return [admin, tls, authority];
}

/** The names under which it is reached: by `kubectl port-forward`, and in the cluster. */
function dnsNames(namespace: string): string[] {
  const inCluster = `${SERVICE}.${namespace}`;
  return ['localhost', SERVICE, inCluster, `${inCluster}.svc`, `${inCluster}.svc.cluster.local`];
}

function adminCredentials(): Record<string, string> {
  return { username: 'admin', password: randomBytes(24).toString('base64url') };
}

async function ensure(
  api: ApiServer,
  present: StoredObject | undefined,
  { isGood, make }: { isGood: (object: StoredObject) => boolean; make: () => Promise<StoredObject> },
): Promise<Ensured> {
  if (present && isGood(present)) return { object: nameOf(present), action: 'unchanged' };
  const wanted = await make();
  if (!present) return { object: nameOf(await api.create(wanted)), action: 'created' };
  const { resourceVersion } = present.metadata;
  const metadata = { ...wanted.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  return { object: nameOf(await api.replace({ ...wanted, metadata })), action: 'replaced' };
}

function secret(
  { namespace, name, type }: { namespace: string; name: string; type: string },
  values: Readonly<Record<string, string>>,
): StoredObject {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, encodeSecretValue(value)]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: metadata(namespace, name), type, data };
}

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>): StoredObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(namespace, name), data };
}

function metadata(namespace: string, name: string): StoredObject['metadata'] {
  return { name, namespace, labels: { 'app.kubernetes.io/name': 'keycloak' } };
}

const nameOf = ({ kind, metadata: { name } }: StoredObject): string => `${kind}/${name}`;
