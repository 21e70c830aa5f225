// Parses JSON the way a security decision needs it: UTF-8, one object, no member twice. Not a general parser.
import { JsonTokens } from '../../base/json-tokens.ts';
import { decodeUtf8, isObject, type Members } from '../../protocol/json.ts';

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
  const tokens = new JsonTokens(text);
  /** The names in each object that is open; `undefined` for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (;;) {
    const token = tokens.next();
    switch (token) {
      case '{':
        open.push(new Set());
        break;
      case '[':
        open.push(undefined);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ':': {
        const names = open.at(-1);
        // Escapes are decoded first: "a" and "\u0061" are the same name.
        const name = JSON.parse(text.slice(tokens.stringStart - 1, tokens.stringEnd + 1)) as string;
        if (names === undefined || names.has(name)) return false;
        names.add(name);
        break;
      }
      case 'too deep':
        return false;
      case 'end':
        return true;
      default:
        return token satisfies never;
    }
  }
}
