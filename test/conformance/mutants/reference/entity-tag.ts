// The reference server's entity tags (RFC 9110 sections 8.8.3 and 13.1.2).
import { createHash } from 'node:crypto';
import type { Wrong } from '../mutants.ts';

export function tagOf(text: string): string {
  return `"${createHash('sha1').update(text).digest('hex')}"`;
}

/** By the weak comparison: the prefix of a weak tag makes no difference. */
export function namesTag(ifNoneMatch: string | undefined, tag: string, wrong: Wrong): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === '*' || wrong('not-modified-for-all')) return true;
  const named = [...ifNoneMatch.matchAll(/(W\/)?("[^"]*")/g)];
  return named.some(([whole, , opaque]) => (wrong('weak-tags-differ') ? whole : opaque) === tag);
}
