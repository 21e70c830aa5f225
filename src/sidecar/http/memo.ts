// Memoizes a pure function of one string, for a bounded number of short strings.

/** A longer string is not remembered: others choose them, and they would take memory for good (characters). */
const MAX_LENGTH = 128;

/** `compute`, remembered for the first `limit` short names; the others are computed each time. */
export function boundedMemo<T>(limit: number, compute: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const computed = compute(name);
    if (known.size < limit && name.length <= MAX_LENGTH) known.set(name, computed);
    return computed;
  };
}
