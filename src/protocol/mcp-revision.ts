// Which revisions of MCP exist and of which era they are. What follows from that is decided elsewhere.

/**
 * legacy  `initialize`, sessions, listening by GET: revisions up to 2025-11-25
 * modern  stateless, every request says its version: 2026-07-28
 */
export type Era = 'legacy' | 'modern';

/** The only revision in which a body may hold several messages; servers assume it when no version is named. */
export const BATCHING_VERSION = '2025-03-26';

const ERAS: ReadonlyMap<string, Era> = new Map([
  ['2026-07-28', 'modern'],
  ['2025-11-25', 'legacy'],
  ['2025-06-18', 'legacy'],
  [BATCHING_VERSION, 'legacy'],
  // Older than Streamable HTTP, and still what some servers and clients agree on over it.
  ['2024-11-05', 'legacy'],
  ['2024-10-07', 'legacy'],
]);

/** Newest first: a client takes the first that it knows. */
export const KNOWN_VERSIONS: readonly string[] = [...ERAS.keys()];

/** Those that a message can name in its body; what servers say to a message that names another. */
export const MODERN_VERSIONS: readonly string[] = KNOWN_VERSIONS.filter(
  (version) => eraOf(version) === 'modern',
);

/** The era of a revision; `undefined` for one that is not known: its messages may keep names and targets elsewhere. */
export function eraOf(version: string): Era | undefined {
  return ERAS.get(version);
}
