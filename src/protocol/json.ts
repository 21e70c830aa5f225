// Type checks of parsed JSON values that all programs share, and a strict decoder of UTF-8.

/** A JSON object of which nothing is known yet. */
export type Members = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text that is not empty. */
export function isFilledText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Well-formed: a lone surrogate is one character to us and three others to the next reader. */
export function isWellFormedText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of UTF-8 bytes, `undefined` for bytes that are not UTF-8: a decoder that repairs them reads another text than
 * one that does not. A byte order mark stays in the text, and `JSON.parse` refuses it (RFC 8259 section 8.1).
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
