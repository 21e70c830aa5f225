// Counts the request fields that the server does not get, and names each once in the log. Decides nothing about them.
import type { Counter } from 'prom-client';
import type { Logger } from '../../base/log.ts';

/** Names that are told apart; of further ones the log says only that there are some. */
const MAX_NAMES = 64;
/** Of a name (characters): fields have names of up to 16 KiB. */
const MAX_NAME_LENGTH = 64;

/** In bounded memory, and for requests with a good token alone: nothing of it can be filled up by strangers. */
export class DroppedHeaders {
  readonly #logger: Logger;
  readonly #counter: Pick<Counter, 'inc'>;
  readonly #known = new Set<string>();
  #isFull = false;

  constructor(logger: Logger, counter: Pick<Counter, 'inc'>) {
    this.#logger = logger;
    this.#counter = counter;
  }

  /** @param names of the fields of one request, in any spelling: tokens (RFC 9110 section 5.1), as the parser has checked */
  record(names: readonly string[]): void {
    this.#counter.inc(names.length);
    if (this.#isFull) return;
    for (const name of names) this.#tell(name.slice(0, MAX_NAME_LENGTH).toLowerCase());
  }

  #tell(name: string): void {
    if (this.#known.has(name)) return;
    if (this.#known.size >= MAX_NAMES) {
      if (!this.#isFull) this.#logger.info('more request headers dropped, not named');
      this.#isFull = true;
      return;
    }
    this.#known.add(name);
    this.#logger.info({ header: name }, 'request header dropped: not in spec.server.forwardHeaders');
  }
}
