// What a step of planning made, or every reason why it could not. Knows nothing of what is planned.

/** A problem of the resource that only shows where it is to run: its field path and what to do. */
export interface PlanProblem {
  readonly path: string;
  readonly message: string;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly PlanProblem[] };

export function success<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function failure(problem: PlanProblem): Result<never> {
  return { ok: false, problems: [problem] };
}

/** All values, or all problems. */
export function collect<T>(results: readonly Result<T>[]): Result<T[]> {
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return { ok: false, problems };
  return success(results.flatMap((result) => (result.ok ? [result.value] : [])));
}

/** The same for the members of an object. */
export function combine<T extends object>(parts: { readonly [K in keyof T]: Result<T[K]> }): Result<T> {
  const entries = Object.entries<Result<unknown>>(parts).map(([name, result]) =>
    map(result, (value) => [name, value] as const),
  );
  return map(collect(entries), (members) => Object.fromEntries(members) as T); // One member for each part.
}

export function map<T, U>(result: Result<T>, change: (value: T) => U): Result<U> {
  return result.ok ? success(change(result.value)) : result;
}
