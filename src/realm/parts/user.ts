// A user who can log in. Once there, the account belongs to the person: only what is empty is filled in.
import type { UserConfig } from '../config.ts';
import type { Owned, Representation } from '../differences.ts';
import type { Part, Run } from '../ensure.ts';
import { knownId, representation } from './representation.ts';

export function userPart({ admin, realm }: Run, user: UserConfig, password: string): Part {
  const { username } = user;
  return {
    what: `user ${username}`,
    role: 'manage-users',
    find: async () => representation((await admin.users.find({ realm, username, exact: true }))[0]),
    owned: (found) => profile(found, user),
    initial: {
      username,
      enabled: true,
      credentials: [{ type: 'password', value: password, temporary: false }],
    },
    create: (object) => admin.users.create({ realm, ...object }),
    update: (object) => admin.users.update({ realm, id: knownId(object) }, object),
  };
}

/** Without all of these the login stops at a page that asks for them. Another address than the configured one is not marked as verified. */
function profile(found: Representation, { firstName, lastName, email }: UserConfig): Owned[] {
  const { email: address = email } = found;
  return [
    { path: ['firstName'], rule: 'filled', value: firstName },
    { path: ['lastName'], rule: 'filled', value: lastName },
    { path: ['email'], rule: 'filled', value: email },
    ...(String(address).toLowerCase() === email.toLowerCase()
      ? [{ path: ['emailVerified'], rule: 'equals', value: true } as const]
      : []),
  ];
}
