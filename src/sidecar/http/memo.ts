// Memoizes a pure function of one string, for a bounded number of strings.

/** `compute`, remembered for the first `limit` names; the others are computed each time. */
export function boundedMemo<T>(limit: number, compute: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const computed = compute(name);
    if (known.size < limit) known.set(name, computed);
    return computed;
  };
}
