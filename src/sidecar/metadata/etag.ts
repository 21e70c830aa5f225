// Entity tags (RFC 9110 section 8.8.3) of documents that are whole in memory, and the condition that names them. Knows
// nothing of requests.
import { createHash } from 'node:crypto';

/** A text with its tag, made once: what goes out for it each time. */
export interface TaggedText {
  readonly text: string;
  /** Strong: equal tags mean equal bytes. */
  readonly tag: string;
}

export function taggedText(text: string): TaggedText {
  return { text, tag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}

/** The opaque part of each tag of a list, without the `W/` of a weak one: the comparison is weak. */
const OPAQUE_TAGS = /"[\x21\x23-\x7E\x80-\xFF]*"/g;

/**
 * Whether this `If-None-Match` is false for the document, so that 304 is the answer (RFC 9110 section 13.1.2): `*`, or a
 * list that holds the tag, weak or not. A malformed list matches nothing, and the whole document is the answer.
 */
export function isNamedBy(ifNoneMatch: string | undefined, { tag }: TaggedText): boolean {
  if (ifNoneMatch === undefined) return false;
  const condition = ifNoneMatch.trim();
  return condition === '*' || (condition.match(OPAQUE_TAGS)?.includes(tag) ?? false);
}
