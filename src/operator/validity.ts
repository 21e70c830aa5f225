// PURE: whether a server can be worked with at all, by this version of the operator. The CRD's rules say so when it is written, but not of a server that was
// stored before a rule existed; and a mistake of ours must stay with the server that it is about.
import { unknownFields } from '../api/known-field.ts';
import { SPEC } from '../api/spec-fields.gen.ts';
import { stubBytes } from '../kube/budget.ts';
import { resourceProblems } from '../protocol/resource-identifier.ts';
import { VERSION } from '../protocol/version.ts';
import type { ApplyFailure } from './inputs.ts';
import type { ServerObject } from './kinds.ts';

/** Fields that a message names. */
const MAX_NAMED = 8;

/** Why nothing can be made of a server: its size, what this version does not know, or the first field that can never work. */
export function invalidity(server: ServerObject): ApplyFailure | undefined {
  const bytes = stubBytes(server);
  if (bytes !== undefined) return tooLarge(bytes);
  return notKnown(server) ?? invalidField(server);
}

function tooLarge(bytes: number): ApplyFailure {
  const message =
    `The resource takes ${Math.ceil(bytes / 1024)} KiB of the operator's memory, more than is left of its namespace's share. ` +
    'Nothing is applied until it, or others in the namespace, are smaller or deleted; then within 15 minutes.';
  return { reason: 'TooLarge', message };
}

/** What the operator does not know may forbid something: without it the server would be open to more than its user wants. */
function notKnown({ spec }: ServerObject): ApplyFailure | undefined {
  const fields = unknownFields(spec, SPEC, 'spec');
  if (fields.length === 0) return undefined;
  const more = fields.length > MAX_NAMED ? `, and ${fields.length - MAX_NAMED} more` : '';
  const message =
    `${fields.slice(0, MAX_NAMED).join(', ')}${more}: not known to this operator, version ${VERSION}; the definition of ` +
    'ProtectedMcpServer is newer. Nothing is applied until the operator is upgraded, or what it does not know is taken out.';
  return { reason: 'UnknownField', message };
}

function invalidField(server: ServerObject): ApplyFailure | undefined {
  const { resource } = server.spec.protectedResourceMetadata;
  const [problem] = resource === undefined ? [] : resourceProblems(resource);
  if (problem !== undefined) return invalid('spec.protectedResourceMetadata.resource', problem);
  const urls = server.spec.authentication.issuers.flatMap(({ issuer, jwks, introspection }, index) => {
    const path = `spec.authentication.issuers[${index}]`;
    return [
      [`${path}.issuer`, issuer],
      [`${path}.jwks.uri`, jwks.uri],
      [`${path}.introspection.endpoint`, introspection?.endpoint],
    ] as const;
  });
  const wrong = urls.find(([, url]) => url !== undefined && !URL.canParse(url));
  return wrong && invalid(wrong[0], 'must be an absolute URL');
}

/**
 * What `use` makes of a server, or why it cannot: then the message names the field that was read last, which is where it
 * failed. For values that no rule foresaw; expected failures are values.
 */
export function attempt<T>(server: ServerObject, use: (server: ServerObject) => T): T | Unusable {
  try {
    return use(server);
  } catch (error) {
    return new Unusable(invalid(lastReadField(server, use), (error as Error).message), error);
  }
}

/** Why nothing can be made of a server. */
export class Unusable {
  readonly failure: ApplyFailure;
  /** For the log; undefined for a value that a rule refuses. */
  readonly error: unknown;

  constructor(failure: ApplyFailure, error?: unknown) {
    this.failure = failure;
    this.error = error;
  }
}

function invalid(path: string, problem: string): ApplyFailure {
  return { reason: 'Invalid', message: `${path}: ${problem}. Nothing is applied until it is corrected.` };
}

/** Uses the server once more and watches what is read of its spec; the API server looks after the metadata. */
function lastReadField(server: ServerObject, use: (server: ServerObject) => unknown): string {
  let last = 'spec';
  const watched = <T extends object>(object: T, path: string): T =>
    new Proxy(object, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        const isMethod = !Object.hasOwn(target, name) && name in target;
        if (typeof name === 'symbol' || isMethod || (Array.isArray(target) && name === 'length'))
          return value;
        const below = Array.isArray(target) ? `${path}[${name}]` : `${path}.${name}`;
        last = below;
        return isObject(value) ? watched(value, below) : value;
      },
    });
  try {
    use({ ...server, ...(isObject(server.spec) && { spec: watched(server.spec, 'spec') }) });
  } catch {
    // As before.
  }
  return last;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
