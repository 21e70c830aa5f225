// The members by which messages are judged, and whether an object's members have only one reading.

/** The members that MCP gives a meaning in one object. */
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

/** `params._meta` of a modern request says its version here. */
export const VERSION_MEMBER = 'io.modelcontextprotocol/protocolVersion';
/** The result that ends a `subscriptions/listen` names its request here. */
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
 * What gives the members of an object more than one reading.
 * @param count how many members stand in the text
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
    // Go matches names without regard to case, and the last one wins: what is `Name` to us would be `name` to it.
    if (known.folded.has(fold(name))) return 'member_spelled_otherwise';
    if (!name.isWellFormed()) return 'lone_surrogate';
  }
  // Which of two counts, parsers disagree; ours would have kept the last.
  return members === count ? undefined : 'duplicate_member';
}

/** Equal for names that differ by case or by Unicode simple folding: by way of capitals, U+017F becomes `s`. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
