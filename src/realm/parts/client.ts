// A public client that people name in their MCP client: authorization code with PKCE, and nothing else.
import type { AudienceConfig, ClientConfig } from '../config.ts';
import { request, type Part, type Run } from '../ensure.ts';
import { listed, moveScopes } from './client-scope.ts';
import { knownId, representation } from './representation.ts';

const LISTS = { default: 'defaultClientScopes', optional: 'optionalClientScopes' } as const;

/** All client scopes of the realm, name -> id. A realm that is only imagined has those that every new one has. */
export async function clientScopeIds(run: Run): Promise<ReadonlyMap<string, string>> {
  if (!run.realmExists) return new Map([['basic', '']]);
  const reading = {
    verb: 'read' as const,
    what: `the client scopes of realm ${run.realm}`,
    role: 'view-clients',
  };
  const scopes = await request(run, reading, () => run.admin.clientScopes.find({ realm: run.realm }));
  return new Map(scopes.map(({ name = '', id = '' }) => [name, id]));
}

export interface RealmScopes {
  readonly audiences: readonly AudienceConfig[];
  /** Name -> id, of all client scopes of the realm. */
  readonly ids: ReadonlyMap<string, string>;
}

/** A new client gets the scopes of the realm's lists, so these come first. */
export function clientPart(
  { admin, realm }: Run,
  config: ClientConfig,
  { audiences, ids }: RealmScopes,
): Part {
  const { clientId, name, redirectUris, webOrigins } = config;
  const of = (type: 'Default' | 'Optional') =>
    audiences.filter((audience) => audience.type === type).map(({ scope }) => scope);
  // Without `basic` tokens have no `sub` (Keycloak 25 and later; earlier ones do not know it).
  const basic = ids.has('basic') ? ['basic'] : [];
  return {
    what: `client ${clientId}`,
    role: 'manage-clients',
    find: async () => representation((await admin.clients.find({ realm, clientId }))[0]),
    owned: (found) => [
      { path: ['protocol'], rule: 'equals', value: 'openid-connect' },
      { path: ['publicClient'], rule: 'equals', value: true },
      { path: ['bearerOnly'], rule: 'equals', value: false },
      { path: ['standardFlowEnabled'], rule: 'equals', value: true },
      { path: ['implicitFlowEnabled'], rule: 'equals', value: false },
      { path: ['directAccessGrantsEnabled'], rule: 'equals', value: false },
      { path: ['attributes', 'pkce.code.challenge.method'], rule: 'equals', value: 'S256' },
      { path: ['redirectUris'], rule: 'contains', value: redirectUris },
      { path: ['webOrigins'], rule: 'contains', value: webOrigins },
      // A client that is being created has no lists yet, and must not: it would get those and no others.
      ...(found['id'] === undefined
        ? []
        : [
            ...listed(LISTS, 'Default', [...basic, ...of('Default')]),
            ...listed(LISTS, 'Optional', of('Optional')),
          ]),
    ],
    initial: { clientId, enabled: true, ...(name !== undefined && { name }) },
    create: (object) => admin.clients.create({ realm, ...object }),
    update: async (object, changes) => {
      const id = knownId(object);
      const isList = ({ path: [field] }: (typeof changes)[number]) =>
        field === LISTS.default || field === LISTS.optional;
      if (!changes.every(isList)) await admin.clients.update({ realm, id }, object);
      const scope = (name: string) => ({ realm, id, clientScopeId: ids.get(name) ?? '' });
      await moveScopes(changes, {
        [LISTS.default]: {
          remove: (name) => admin.clients.delDefaultClientScope(scope(name)),
          add: (name) => admin.clients.addDefaultClientScope(scope(name)),
        },
        [LISTS.optional]: {
          remove: (name) => admin.clients.delOptionalClientScope(scope(name)),
          add: (name) => admin.clients.addOptionalClientScope(scope(name)),
        },
      });
    },
  };
}
