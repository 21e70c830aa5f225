// The people who can log in at the embedded authorization server, and the claims about them. No storage: a list.
import { createHash, timingSafeEqual } from 'node:crypto';

export interface RealmUser {
  username: string;
  password: string;
  givenName: string;
  familyName: string;
  email: string;
}

/** The user of the original arrangement (and of the realm Job): a development account, known to everybody. */
export const DEFAULT_USERS: readonly RealmUser[] = [
  { username: 'eitan', password: 'test', givenName: 'Eitan', familyName: 'Test', email: 'eitan@example.com' },
];

/** `sub`: an opaque UUID, as in Keycloak, and the same after every restart (RFC 9562 section 5.8, version 8). */
export function subject(user: RealmUser): string {
  const hex = createHash('sha256').update(`protected-mcp user ${user.username}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

export function findBySubject(users: readonly RealmUser[], sub: string): RealmUser | undefined {
  return users.find((user) => subject(user) === sub);
}

/** The user with that name and password. One answer for an unknown name and a wrong password. */
export function findByPassword(
  users: readonly RealmUser[],
  username: string,
  password: string,
): RealmUser | undefined {
  return users.find((user) => user.username === username && sameSecret(user.password, password));
}

/** OpenID Connect Core section 5.1; which of them go out depends on the scopes `profile` and `email`. */
export function userClaims(user: RealmUser): Record<string, string | boolean> {
  return {
    name: `${user.givenName} ${user.familyName}`,
    preferred_username: user.username,
    given_name: user.givenName,
    family_name: user.familyName,
    email: user.email,
    email_verified: true,
  };
}

export const CLAIMS_BY_SCOPE = {
  profile: ['name', 'preferred_username', 'given_name', 'family_name'],
  email: ['email', 'email_verified'],
} as const;

function sameSecret(expected: string, given: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(expected), digest(given));
}
