// The realm itself. It is made empty: a realm that is created with scopes or clients gets none of the built-in ones.
import type { Part, Run } from '../ensure.ts';
import { representation } from './representation.ts';

export function realmPart({ admin, realm }: Run): Part {
  return {
    what: `realm ${realm}`,
    role: 'create-realm',
    roleToRead: 'view-realm',
    find: async () => representation(await admin.realms.findOne({ realm })),
    owned: () => [],
    initial: { realm, enabled: true },
    create: (object) => admin.realms.create(object),
    update: () => Promise.resolve(), // Nothing of an existing realm is managed.
  };
}
