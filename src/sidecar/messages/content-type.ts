// Validates what the header fields say of a body before it is read: its type, its coding, its length.
import { boundedMemo } from '../http/memo.ts';
import type { Denial } from '../denial/denial.ts';
import type { RequestFields } from '../http/request-headers.ts';

/** Spellings of `Content-Type` that are remembered. */
const MAX_TYPES = 64;

/**
 * Why the body of a POST would not be read: it must be JSON as it is (RESOURCE_SERVER D12). What the policy cannot read
 * must not pass.
 */
export type ContentCheck = (fields: RequestFields) => Denial | undefined;

export function contentCheck(maxBytes: number): ContentCheck {
  const isJson = boundedMemo(MAX_TYPES, isJsonType);
  return ({ contentType, contentEncoding, contentLength }) => {
    if (contentType === undefined || !isJson(contentType))
      return { kind: 'unsupported_media_type', reason: 'content_type' };
    if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity')
      return { kind: 'unsupported_media_type', reason: 'content_encoding' };
    if (contentLength !== undefined && Number(contentLength) > maxBytes)
      return { kind: 'content_too_large', maxBytes };
    return undefined;
  };
}

/**
 * `application/json`, with parameters or without; a charset other than UTF-8 is another type (RFC 8259 section 8.1).
 */
function isJsonType(value: string): boolean {
  const [type, ...parameters] = value.toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name, charset = ''] = parameter.split('=').map((part) => part.trim());
    return name !== 'charset' || /^"?(utf-?8|us-ascii)"?$/.test(charset);
  });
}
