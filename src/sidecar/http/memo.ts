// Remembers what a pure function said of the names that are seen again and again, in bounded memory.

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
