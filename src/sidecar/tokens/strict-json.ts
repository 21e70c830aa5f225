// Parses JSON the way a security decision needs it: UTF-8, one object, no member twice. Not a general parser.
import { decodeUtf8, isObject, type Members } from '../../protocol/json.ts';

/** Deeper nesting than this is refused: no token or decision needs it, and recursion must be bounded. */
const MAX_DEPTH = 64;

/**
 * Parses the bytes of one JSON object.
 *
 * Refused, with `undefined`: anything that is not UTF-8 (a byte order mark included), not one JSON object, nested too
 * deep, or that has a duplicate member name at any level. Parsers disagree on which duplicate counts, so a value that
 * passed here could mean something else to the next reader (RFC 7515 section 4, RFC 7519 section 4).
 */
export function parseObject(bytes: Uint8Array): Members | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && hasUniqueMembers(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether no object in `text` names a member twice. `text` must be valid JSON: `JSON.parse` has accepted it. */
function hasUniqueMembers(text: string): boolean {
  const scopes: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{' || char === '[') {
      if (scopes.push(char === '{' ? new Set() : undefined) > MAX_DEPTH) return false;
    } else if (char === '}' || char === ']') {
      scopes.pop();
    } else if (char === '"') {
      const end = endOfString(text, at);
      const names = scopes.at(-1);
      if (names !== undefined && isFollowedByColon(text, end + 1)) {
        // Escapes are decoded first: "a" and "\u0061" are the same name.
        const name = JSON.parse(text.slice(at, end + 1)) as string;
        if (names.has(name)) return false;
        names.add(name);
      }
      at = end;
    }
  }
  return true;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isFollowedByColon(text: string, start: number): boolean {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at++;
  return text[at] === ':';
}
