// The members of messages that decisions depend on, and whether all parsers read an object's members alike.

/** The members that MCP defines in one object. */
export interface MemberNames {
  readonly names: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
}

function memberNames(...names: readonly string[]): MemberNames {
  return { names: new Set(names), folded: new Set(names.map(fold)) };
}

export const MESSAGE_MEMBERS = memberNames('jsonrpc', 'id', 'method', 'params', 'result', 'error');

export const PARAMS_MEMBERS = memberNames(
  ...['_meta', 'name', 'arguments', 'uri', 'taskId', 'task', 'cursor', 'ref', 'argument', 'context'],
  ...['notifications', 'protocolVersion', 'capabilities', 'clientInfo', 'level', 'requestId', 'reason'],
  ...['progressToken', 'progress', 'total', 'message', 'inputResponses', 'requestState', 'status', 'roots'],
);

/** The member of `params._meta` with the version of a modern request. */
export const VERSION_MEMBER = 'io.modelcontextprotocol/protocolVersion';
/** The member of `_meta` in the result that ends a `subscriptions/listen`: the request's id. */
export const SUBSCRIPTION_MEMBER = 'io.modelcontextprotocol/subscriptionId';

export const META_MEMBERS = memberNames(
  VERSION_MEMBER,
  SUBSCRIPTION_MEMBER,
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/clientCapabilities',
  'io.modelcontextprotocol/logLevel',
  'io.modelcontextprotocol/related-task',
  'progressToken',
  ...['traceparent', 'tracestate', 'baggage'],
);

/** `params.ref` of `completion/complete`. */
export const REF_MEMBERS = memberNames('type', 'name', 'uri', 'title');

/** `params.notifications` of `subscriptions/listen`. */
export const NOTIFICATIONS_MEMBERS = memberNames(
  ...['toolsListChanged', 'promptsListChanged', 'resourcesListChanged', 'resourceSubscriptions', 'taskIds'],
);

/** Stable: values of the `reason` log field. */
export type MemberProblem = 'duplicate_member' | 'member_spelled_otherwise' | 'lone_surrogate';

/**
 * Why parsers may read the members of an object differently; `undefined` if they do not.
 * @param count how many members the object has in the text
 */
export function memberProblem(
  object: Readonly<Record<string, unknown>>,
  count: number,
  known: MemberNames,
): MemberProblem | undefined {
  let members = 0;
  for (const name in object) {
    members++;
    if (known.names.has(name)) continue;
    // Go's decoder ignores case, and the last member wins: it would read `Name` as `name`.
    if (known.folded.has(fold(name))) return 'member_spelled_otherwise';
    if (!name.isWellFormed()) return 'lone_surrogate';
  }
  // Of duplicates some parsers keep the first, some the last; JSON.parse keeps the last.
  return members === count ? undefined : 'duplicate_member';
}

/** Equal for names that differ in case or by Unicode simple folding: upper case first, so that U+017F becomes `s`. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
