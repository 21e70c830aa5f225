// Connections that wait for the next request of their owner: found by owner, the last used first, and by age.
import { LinkedList } from '../../base/linked-list.ts';
import type { Connection } from './upstream-connection.ts';

/** All idle connections together. */
export const MAX_IDLE = 640;
/** Idle connections of one owner: half of the room is for others. */
export const MAX_IDLE_OF_OWNER = 256;
/**
 * Bounded in number. Where there is no room for one, it takes the place of its owner's last, which was idle for longer, or is
 * closed; those of others stay until they are old. With more owners in turn than places, the oldest is the one that is
 * needed next: to close it would leave none to use again.
 */
export class IdleConnections {
  readonly #byAge = new LinkedList<Connection>();

  /** The one that has been idle for the longest. */
  get oldest(): Connection | undefined {
    return this.#byAge.first?.item;
  }

  /** @param connection that has become idle now */
  add(connection: Connection): void {
    const { idle } = connection.siblings;
    if (this.#byAge.size >= MAX_IDLE || idle.length >= MAX_IDLE_OF_OWNER) {
      const last = idle.at(-1);
      if (last === undefined) return connection.destroy();
      this.close(last);
    }
    connection.place = this.#byAge.push(connection);
    idle.push(connection);
  }

  /** Does nothing to one that is not idle. */
  remove(connection: Connection): void {
    const { place } = connection;
    if (place === undefined) return;
    const { idle } = connection.siblings;
    connection.place = undefined;
    this.#byAge.remove(place);
    if (idle.at(-1) === connection) idle.pop();
    else idle.splice(idle.indexOf(connection), 1);
  }

  close(connection: Connection): void {
    this.remove(connection);
    connection.destroy();
  }
}
