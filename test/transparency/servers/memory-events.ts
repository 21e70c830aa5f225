// All events of one session, in order, for clients that come back.
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

type Send = (eventId: string, message: JSONRPCMessage) => Promise<void>;

export class MemoryEvents implements EventStore {
  readonly #events: { readonly streamId: string; readonly message: JSONRPCMessage }[] = [];

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    return Promise.resolve(String(this.#events.push({ streamId, message })));
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.#events[Number(eventId) - 1]?.streamId);
  }

  async replayEventsAfter(lastEventId: string, { send }: { send: Send }): Promise<string> {
    const position = Number(lastEventId);
    const streamId = this.#events[position - 1]?.streamId ?? '';
    for (const [index, event] of this.#events.entries())
      // An event without content only tells where to begin.
      if (index >= position && event.streamId === streamId && Object.keys(event.message).length > 0)
        await send(String(index + 1), event.message);
    return streamId;
  }
}
