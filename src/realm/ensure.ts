// Brings one part of a realm up to date: read, compare the managed fields, then create, change, or leave alone.
import type KeycloakAdminClient from '@keycloak/keycloak-admin-client';
import {
  differences,
  withChanges,
  type FieldChange,
  type Owned,
  type Representation,
} from './differences.ts';
import { complaintOf, connectionFailure, RealmError, statusOf } from './failure.ts';
import type { Report } from './report.ts';

/** Attempts at an object that another client changes at the same time. */
const ATTEMPTS = 3;

export interface Run {
  readonly admin: KeycloakAdminClient;
  readonly realm: string;
  /** False in a dry run that would create it. */
  readonly realmExists: boolean;
  readonly dryRun: boolean;
  readonly report: Report;
  /** Names a role of the realm's administrators as one finds it in the admin console. */
  readonly roleName: (role: string) => string;
}

/** One object of the realm, found by its natural key: a name that people gave it, never an id. */
export interface Part {
  /** Such as `client mcp-client`. */
  readonly what: string;
  /** The role that is needed to write it. */
  readonly role: string;
  /** The role that is needed to see it, where it is not the same. */
  readonly roleToRead?: string;
  /** What a new realm has of it; undefined when it has none. Used where the realm is not there yet. */
  readonly builtIn?: Representation;
  readonly find: () => Promise<Representation | undefined>;
  readonly owned: (found: Representation) => readonly Owned[];
  /** What it has besides, when it is made by us. Not compared, and not shown. */
  readonly initial?: Representation;
  readonly create: (object: Representation) => Promise<unknown>;
  readonly update: (object: Representation, changes: readonly FieldChange[]) => Promise<unknown>;
}

/**
 * Creates the part, changes its managed fields, or leaves it alone.
 * @returns the part as it is now; without an id when a dry run only imagines it
 * @throws RealmError saying what could not be done and what to do about it
 */
export async function ensure(run: Run, part: Part): Promise<Representation> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ensureOnce(run, part);
    } catch (error) {
      const conflict = error instanceof RealmError && statusOf(error.cause) === 409;
      if (!conflict || attempt === ATTEMPTS) throw error;
    }
  }
}

async function ensureOnce(run: Run, part: Part): Promise<Representation> {
  const found = await find(run, part);
  if (found === undefined) return create(run, part);
  const changes = differences(found, part.owned(found));
  if (changes.length === 0) {
    run.report.kept();
    return found;
  }
  const object = withChanges(found, changes);
  if (!run.dryRun) await request(run, { ...part, verb: 'change' }, () => part.update(object, changes));
  run.report.changed('update', part.what, changes);
  return object;
}

async function create(run: Run, part: Part): Promise<Representation> {
  const { initial = {} } = part;
  const fields = differences({}, part.owned({}));
  const object = withChanges(initial, fields);
  try {
    if (!run.dryRun) await request(run, { ...part, verb: 'create' }, () => part.create(object));
  } catch (error) {
    // Another client may have created it. Until that is done, Keycloak returns 400 and lists nothing: then this run fails,
    // and the next one goes on.
    if (!isRefused(error) || (await find(run, part)) === undefined) throw error;
    return ensureOnce(run, part);
  }
  run.report.changed('create', part.what, fields);
  if (run.dryRun) return object;
  const created = await find(run, part);
  if (created !== undefined) return created;
  throw new RealmError('ERR_REFUSED', `Keycloak created ${part.what}, but does not list it; run again`);
}

function isRefused(error: unknown): boolean {
  return error instanceof RealmError && error.code === 'ERR_REFUSED';
}

async function find(run: Run, part: Part): Promise<Representation | undefined> {
  const { what, role, roleToRead = role } = part;
  return run.realmExists ? request(run, { verb: 'read', what, role: roleToRead }, part.find) : part.builtIn;
}

/** One step; its errors name what was being done. */
export async function request<T>(run: Run, { verb, what, role }: Step, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw failureOf(error, { what: `cannot ${verb} ${what}`, run, role });
  }
}

interface Step extends Pick<Part, 'what' | 'role'> {
  readonly verb: 'read' | 'create' | 'change';
}

function failureOf(cause: unknown, { what, run, role }: { what: string; run: Run; role: string }): unknown {
  if (cause instanceof RealmError) return cause; // The login said it already.
  const status = statusOf(cause);
  if (status === undefined)
    return isConnectionError(cause) ? connectionFailure(run.admin.baseUrl, cause) : cause;
  if (status === 403) {
    const advice = `grant the administrator the role ${run.roleName(role)}`;
    return new RealmError('ERR_PERMISSION', `${what}: forbidden; ${advice}`, { cause });
  }
  return new RealmError('ERR_REFUSED', `${what}: Keycloak returned ${complaintOf(cause)}`, { cause });
}

/** `fetch` throws a TypeError with a cause, and a time-out is a DOMException. Anything else is a bug. */
function isConnectionError(error: unknown): boolean {
  return (
    (error instanceof TypeError && error.cause !== undefined) ||
    (error instanceof Error && error.name === 'TimeoutError')
  );
}
