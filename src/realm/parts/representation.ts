// Between the admin client's types and plain JSON, which the comparison works on.
import type { Representation } from '../differences.ts';

/** The client's types are interfaces with optional fields; what it returns is the server's JSON. */
export function representation(object: object | null | undefined): Representation | undefined {
  return (object ?? undefined) as Representation | undefined;
}

/** The identifier that Keycloak gave to an object; undefined for one that only a dry run knows. */
export function idOf(object: Representation): string | undefined {
  return object['id'] as string | undefined; // Keycloak's ids are strings.
}

/** For objects that Keycloak has made: writing one needs its id. */
export function knownId(object: Representation): string {
  const id = idOf(object);
  if (id === undefined) throw new Error('an object of Keycloak without an id');
  return id;
}
