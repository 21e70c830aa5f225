// The realm as the configuration describes it, part by part, in the order in which the parts need each other.
import type KeycloakAdminClient from '@keycloak/keycloak-admin-client';
import { ensure, type Run } from './ensure.ts';
import { audienceMapperPart, clientScopePart, realmScopesPart } from './parts/client-scope.ts';
import { clientPart, clientScopeIds, type RealmScopes } from './parts/client.ts';
import { clientRegistrationParts } from './parts/client-registration.ts';
import { realmPart } from './parts/realm.ts';
import { userPart } from './parts/user.ts';
import type { Report } from './report.ts';
import type { Settings } from './settings.ts';

interface EnsureRealmOptions {
  readonly admin: KeycloakAdminClient;
  readonly report: Report;
  readonly dryRun: boolean;
}

/** @throws RealmError at the first part that cannot be read or written; what was done before stays, and is right */
export async function ensureRealm(
  { config, passwords }: Settings,
  options: EnsureRealmOptions,
): Promise<void> {
  const { admin, report, dryRun } = options;
  const { realm, audiences, clients, users, clientRegistration } = config;
  const roleName = (role: string) => nameOfRole(role, { realm, adminRealm: config.keycloak.admin.realm });
  const first: Run = { admin, realm, realmExists: true, dryRun, report, roleName };
  const made = await ensure(first, realmPart(first));
  const run = { ...first, realmExists: !dryRun || made['id'] !== undefined };

  for (const audience of audiences) {
    const scope = await ensure(run, clientScopePart(run, audience));
    await ensure(run, audienceMapperPart(run, audience, scope));
    await ensure(run, realmScopesPart(run, audience, scope));
  }
  if (clientRegistration !== undefined)
    for (const part of clientRegistrationParts(run, clientRegistration)) await ensure(run, part);

  const scopes: RealmScopes = { audiences, ids: await clientScopeIds(run) };
  for (const client of clients) await ensure(run, clientPart(run, client, scopes));
  for (const user of users) await ensure(run, userPart(run, user, passwords.get(user.username) ?? ''));
  report.summary(realm);
}

/** Administrators of the realm itself have the same roles under another client. */
function nameOfRole(role: string, { realm, adminRealm }: { realm: string; adminRealm: string }): string {
  if (role === 'create-realm') return `create-realm of realm master, or create the realm ${realm} yourself`;
  return adminRealm === realm
    ? `${role} of client realm-management`
    : `${role} of client ${realm}-realm in realm ${adminRealm}`;
}
