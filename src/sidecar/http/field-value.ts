// Optional whitespace (OWS) around a field value. Does not validate the value.

/**
 * Removes OWS: SP and HTAB only (RFC 9110 section 5.6.3). `trim()` removes more, U+00A0 among it: a Content-Length that
 * other parsers reject would be accepted here.
 */
export function trimOws(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return end - start === value.length ? value : value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
