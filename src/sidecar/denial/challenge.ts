// The value of WWW-Authenticate: which scheme to use, what was wrong, which scopes to ask for, where the metadata is.

/** Authentication schemes that a client can use here: an error stands in the challenge of the one that it used. */
export type Scheme = 'Bearer' | 'DPoP';

/** What a challenge names: where the metadata is and which scopes to ask for. */
export interface ChallengeParameters {
  /** Absolute URL of the RFC 9728 document. */
  readonly resourceMetadata: string;
  /** Scopes that a first authorization should ask for; none when empty. */
  readonly scopes: readonly string[];
  /** The public URL, for clients that used another name. */
  readonly resource: string;
  /** RFC 9449; `only`: Bearer tokens are refused. Absent where proofs are ignored. */
  readonly dpop: { readonly algorithms: readonly string[]; readonly only: boolean } | undefined;
}

/**
 * The challenges in the one form that every known client parser reads: one field, Bearer first, `name="value"` joined by
 * `, `, nothing to escape, machine parameters first (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1).
 * @param error absent where the request had no authentication information (RFC 6750 section 3.1)
 */
export function challenges(
  error: string | undefined,
  scopes: readonly string[],
  { dpop, resourceMetadata }: ChallengeParameters,
  used: Scheme,
): string {
  const metadata = `resource_metadata="${resourceMetadata}"`;
  const asked = scopes.length > 0 ? [`scope="${scopes.join(' ')}"`] : [];
  const failed = error === undefined ? [] : [`error="${error}"`];
  if (dpop === undefined) return `Bearer ${[...failed, ...asked, metadata].join(', ')}`;
  const algorithms = [`algs="${dpop.algorithms.join(' ')}"`, metadata];
  if (dpop.only) return `DPoP ${[...failed, ...asked, ...algorithms].join(', ')}`;
  const bearer = [...(used === 'Bearer' ? failed : []), ...asked, metadata];
  // Without an error the scopes stand once: parsers that know no second challenge take the first of each name.
  const bound = used === 'DPoP' && error !== undefined ? [...failed, ...asked, ...algorithms] : algorithms;
  return `Bearer ${bearer.join(', ')}, DPoP ${bound.join(', ')}`;
}
