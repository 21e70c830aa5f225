// Parses what a pod answers at /status. The pod runs images that the operator does not trust, of any version: everything is
// checked and bounded, unknown members are dropped, unknown error codes become `unknown`.
import { z } from 'zod';
import {
  ENDPOINT_STATES,
  ISSUER_ERROR_CODES,
  type IssuerErrorCode,
  type IssuerStatus,
  type SidecarStatus,
} from '../protocol/sidecar-status.ts';

/** Longer texts are cut: they go into conditions and events (characters). */
const MAX_TEXT = 512;
/** The sidecar has at most 8 issuers, and a problem or two for each. */
const MAX_ENTRIES = 32;

/** `unknown`: a code of a newer sidecar, or the bare text of one from before there were codes. */
export type ReportedCode = IssuerErrorCode | 'unknown';

interface ReportedIssuer extends Omit<IssuerStatus, 'lastError' | 'weakKeys'> {
  readonly lastError?: { readonly code: ReportedCode; readonly message: string } | undefined;
}

/** A sidecar's status, as far as the operator reads it. */
export interface ReportedStatus extends Omit<SidecarStatus, 'issuers'> {
  readonly issuers: readonly ReportedIssuer[];
}

/** Without control characters: they would move the cursor of a terminal that shows the condition. */
const text = z
  .string()
  .transform((value) => value.slice(0, MAX_TEXT).toWellFormed().replace(/\p{C}/gu, '\uFFFD'));

/** Sidecars of the first release give several lines. */
const line = z
  .string()
  .transform((value) => value.replace(/\s*\n\s*/g, '; '))
  .pipe(text);

const unknownCode = z.unknown().transform(() => 'unknown' as const);
const failure = z.union([
  z.object({ code: z.union([z.enum(ISSUER_ERROR_CODES), unknownCode]), message: text }),
  text.transform((message) => ({ code: 'unknown' as const, message })),
]);

const time = text.refine(
  (value) => /^\d{4}-/.test(value) && !Number.isNaN(Date.parse(value)),
  'must be a time in ISO 8601',
);

/** Typed by hand: the compiler refuses a schema that lacks a member of the protocol, or reads it as something else. */
const sidecarStatus: z.ZodType<ReportedStatus> = z.object({
  resource: text,
  ready: z.boolean(),
  problems: z.array(text).max(MAX_ENTRIES),
  issuers: z
    .array(
      z.object({
        issuer: text,
        keys: z.int().min(0),
        loadedAt: text.optional(),
        lastError: failure.optional(),
        mismatch: text.optional(),
      }),
    )
    .max(MAX_ENTRIES),
  certificate: z.object({ subjectAltName: text.optional(), notAfter: time }),
  configDigest: text,
  configProblem: line.optional(),
  refusedDigest: text.optional(),
  server: z.object({ reachable: z.boolean(), endpoint: z.enum(ENDPOINT_STATES).catch('unknown') }).optional(),
  version: text.optional(),
});

/**
 * The status in a response of a sidecar, with nothing in it but what a status holds.
 * @throws Error naming the first field that is not valid
 */
export function parseStatus(response: string): ReportedStatus {
  let json: unknown;
  try {
    json = JSON.parse(response);
  } catch {
    throw new Error('unexpected /status response: not JSON');
  }
  const result = sidecarStatus.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`unexpected /status response: invalid field ${issue?.path.join('.') || '(root)'}`);
}

/** Whether a sidecar has this configuration and cannot use it; one that does not say what it refused is taken to mean the newest. */
export function hasRefused({ configProblem, refusedDigest }: ReportedStatus, digest: string): boolean {
  return configProblem !== undefined && (refusedDigest ?? digest) === digest;
}
