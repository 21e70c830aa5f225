// What is answered without a token: the documents of RFC 9728 and what belongs to them. Asks for no credentials, looks at none.
import type { IncomingMessage } from 'node:http';
import type { Denial } from '../denial/denial.ts';
import { isNamedBy, type TaggedText } from '../metadata/etag.ts';
import { METADATA_PREFLIGHT_FIELDS, METADATA_TYPE, metadataFields } from '../metadata/metadata.ts';

type DocumentAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly fields: readonly string[];
      readonly body: string | undefined;
    }
  | { readonly ok: false; readonly denial: Denial };

/** Fields of a refusal: any page may read it, like the documents. */
export const ANY_ORIGIN: readonly string[] = ['Access-Control-Allow-Origin', '*'];

/** @param read gives the document, or `undefined` while it cannot be had */
export function documentAnswer(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  read: () => TaggedText | undefined,
): DocumentAnswer {
  switch (method) {
    case 'GET':
    case 'HEAD': {
      const document = read();
      if (document === undefined) return { ok: false, denial: { kind: 'metadata_unavailable' } };
      const fields = metadataFields(document);
      // RFC 9110 section 13.1.2: a client that has the document gets a 304 without it.
      if (isNamedBy(headers['if-none-match'], document))
        return { ok: true, status: 304, fields, body: undefined };
      return { ok: true, status: 200, fields: [...METADATA_TYPE, ...fields], body: document.text };
    }
    case 'OPTIONS':
      return { ok: true, status: 204, fields: METADATA_PREFLIGHT_FIELDS, body: undefined };
    default:
      return { ok: false, denial: { kind: 'method_not_allowed', allow: 'GET, HEAD, OPTIONS' } };
  }
}
