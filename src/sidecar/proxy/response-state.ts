// How far the answer to one proxied request has come, and which steps may follow. Knows nothing of HTTP.

export type ResponseState =
  /** Nothing of an answer yet: a denial can still be the answer. */
  | 'waiting'
  /** A short answer is collected, to go out in one write. */
  | 'buffering'
  /** A head was handed to the response, and is not on its way yet. */
  | 'opening'
  | 'streaming'
  /** A listening stream that ends with the event that is being sent. */
  | 'ending'
  /** Whatever comes is not for this client any more. */
  | 'over';

const NEXT: Readonly<Record<ResponseState, readonly ResponseState[]>> = {
  waiting: ['buffering', 'opening', 'over'],
  buffering: ['over'],
  opening: ['streaming', 'over'],
  streaming: ['ending', 'over'],
  ending: ['over'],
  over: [],
};

/** @throws for a step that is not in the table: the proxy would have lost track of what was sent */
export function nextState(from: ResponseState, to: ResponseState): ResponseState {
  if (!NEXT[from].includes(to)) throw new Error(`a response went from ${from} to ${to}`);
  return to;
}
