// What belongs to a field value and what is only around it. Judges no value.

/**
 * RFC 9110 section 5.5: only SP and HTAB around a value are not part of it. `trim()` takes more, U+00A0 among them: a
 * length that is none to others would be one to us.
 */
export function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return end - start === value.length ? value : value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
