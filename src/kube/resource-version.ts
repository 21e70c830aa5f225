// PURE: which of two resourceVersions is the newer. Kubernetes 1.35 defines them as decimal integers that grow with each write
// of any object of the kind (KEP-5504); the versions that etcd has always given are such numbers, too.

const DECIMAL = /^[1-9][0-9]*$/;

/**
 * Compares the versions of two objects of one kind, or of an object and a list of them.
 * @returns below 0 when `a` is the older, 0 when they are equal; undefined when one is missing or is no such number
 */
export function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined || !DECIMAL.test(a) || !DECIMAL.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length; // there is no leading zero
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Whether `a` is known to be older than `b`. */
export function isOlder(a: string | undefined, b: string | undefined): boolean {
  return (compareVersions(a, b) ?? 0) < 0;
}
