// The client scope of an audience: a client that requests the scope gets a token with that `aud`.
import type { AudienceConfig } from '../config.ts';
import type { FieldChange, Owned, Representation } from '../differences.ts';
import type { Part, Run } from '../ensure.ts';
import { idOf, knownId, representation } from './representation.ts';

const MAPPER = 'audience';

export function clientScopePart({ admin, realm }: Run, { scope, description }: AudienceConfig): Part {
  return {
    what: `client scope ${scope}`,
    role: 'manage-clients',
    find: async () => representation(await admin.clientScopes.findOneByName({ realm, name: scope })),
    owned: () => [
      { path: ['protocol'], rule: 'equals', value: 'openid-connect' },
      // The sidecar reads the claim `scope`.
      { path: ['attributes', 'include.in.token.scope'], rule: 'equals', value: 'true' },
    ],
    initial: {
      name: scope,
      ...(description !== undefined && { description }),
      attributes: {
        'display.on.consent.screen': 'true',
        ...(description !== undefined && { 'consent.screen.text': description }),
      },
    },
    create: (object) => admin.clientScopes.create({ realm, ...object }),
    update: (object) => admin.clientScopes.update({ realm, id: knownId(object) }, object),
  };
}

export function audienceMapperPart(
  { admin, realm }: Run,
  { scope, audience }: AudienceConfig,
  found: Representation,
): Part {
  const id = idOf(found);
  const of = { realm, id: id ?? '' };
  const config = (name: string, value: string | undefined): Owned => ({
    path: ['config', name],
    rule: 'equals',
    value,
  });
  return {
    what: `mapper ${MAPPER} of client scope ${scope}`,
    role: 'manage-clients',
    find: async () =>
      id === undefined
        ? undefined
        : representation(await admin.clientScopes.findProtocolMapperByName({ ...of, name: MAPPER })),
    owned: () => [
      { path: ['protocol'], rule: 'equals', value: 'openid-connect' },
      { path: ['protocolMapper'], rule: 'equals', value: 'oidc-audience-mapper' },
      config('included.custom.audience', audience),
      config('included.client.audience', undefined), // Keycloak would take this one instead.
      config('access.token.claim', 'true'),
      config('id.token.claim', 'false'),
    ],
    initial: { name: MAPPER, config: { 'introspection.token.claim': 'true' } },
    create: (object) => admin.clientScopes.addProtocolMapper(of, object),
    update: (object) => admin.clientScopes.updateProtocolMapper({ ...of, mapperId: knownId(object) }, object),
  };
}

/**
 * The lists of client scopes that new clients of the realm get, the registered ones among them. A scope can be in one of
 * the two, so it leaves the other.
 */
export function realmScopesPart(
  { admin, realm }: Run,
  { scope, type }: AudienceConfig,
  found: Representation,
): Part {
  const inRealm = { realm } as void & { realm: string }; // The library's type for "nothing but the realm".
  return {
    what: `realm ${realm}`,
    role: 'manage-clients',
    builtIn: {},
    find: async () => ({
      defaultDefaultClientScopes: names(await admin.clientScopes.listDefaultClientScopes(inRealm)),
      defaultOptionalClientScopes: names(await admin.clientScopes.listDefaultOptionalClientScopes(inRealm)),
    }),
    owned: () =>
      listed({ default: 'defaultDefaultClientScopes', optional: 'defaultOptionalClientScopes' }, type, [
        scope,
      ]),
    create: () => Promise.resolve(), // There is always a list.
    update: async (_, changes) => {
      const of = { realm, id: knownId(found) };
      const lists = {
        defaultDefaultClientScopes: {
          remove: () => admin.clientScopes.delDefaultClientScope(of),
          add: () => admin.clientScopes.addDefaultClientScope(of),
        },
        defaultOptionalClientScopes: {
          remove: () => admin.clientScopes.delDefaultOptionalClientScope(of),
          add: () => admin.clientScopes.addDefaultOptionalClientScope(of),
        },
      };
      await moveScopes(changes, lists);
    },
  };
}

/** In one list, and not in the other. */
export function listed(
  fields: { readonly default: string; readonly optional: string },
  type: 'Default' | 'Optional',
  scopes: readonly string[],
): Owned[] {
  const [home, other] =
    type === 'Default' ? [fields.default, fields.optional] : [fields.optional, fields.default];
  return [
    { path: [other], rule: 'lacks', value: scopes },
    { path: [home], rule: 'contains', value: scopes },
  ];
}

interface ScopeList {
  readonly remove: (scope: string) => Promise<unknown>;
  readonly add: (scope: string) => Promise<unknown>;
}

/** Keycloak answers 409 to a scope that is still in the other list: all removals come first. */
export async function moveScopes(
  changes: readonly FieldChange[],
  lists: Readonly<Record<string, ScopeList>>,
): Promise<void> {
  const moves = changes.flatMap(({ path: [field = ''], from, to }) => {
    const list = lists[field];
    return list ? [{ list, removed: missing(from, to), added: missing(to, from) }] : [];
  });
  for (const { list, removed } of moves) for (const scope of removed) await list.remove(scope);
  for (const { list, added } of moves) for (const scope of added) await list.add(scope);
}

/** Entries of the first list that the second does not have. */
function missing(first: unknown, second: unknown): string[] {
  const [of, from] = [first, second].map((value) => (Array.isArray(value) ? (value as string[]) : []));
  return (of ?? []).filter((entry) => !from?.includes(entry));
}

function names(scopes: readonly { name?: string }[]): (string | undefined)[] {
  return scopes.map(({ name }) => name);
}
