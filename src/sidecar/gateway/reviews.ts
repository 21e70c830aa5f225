// Reviews requests under way whose right to go on has to be found out again: a few at a time, each until it is settled.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../../base/log.ts';
import type { Authentication } from '../authentication/authenticate.ts';
import type { InForce } from '../authorization/in-force.ts';
import type { ProxiedRequest } from '../proxy/proxy.ts';
import type { CompiledConfig } from './compiled-config.ts';
import { reconsider } from './reconsider.ts';

/** Reviews at once: each may wait for an authorization server, and thousands may be due with a new configuration. */
const AT_ONCE = 16;

interface ReviewsDependencies {
  readonly inForce: InForce<CompiledConfig>;
  readonly logger: Logger;
}

/** What is reviewed is reviewed once at a time, by the configuration in force when its turn comes. */
export class Reviews {
  readonly #deps: ReviewsDependencies;
  /** In the order in which they came. */
  readonly #waiting = new Set<ProxiedRequest>();
  readonly #running = new Set<ProxiedRequest>();
  #reviewers = 0;
  #refused = 0;

  constructor(deps: ReviewsDependencies) {
    this.#deps = deps;
  }

  /** Adds a request, unless its review is due or going on. */
  add(proxied: ProxiedRequest): void {
    if (this.#running.has(proxied)) return;
    this.#waiting.add(proxied);
    if (this.#reviewers < AT_ONCE) void this.#work();
  }

  /** One review a turn of the event loop: what else is due comes in between. */
  async #work(): Promise<void> {
    this.#reviewers++;
    for (const proxied of this.#waiting) {
      this.#waiting.delete(proxied);
      this.#running.add(proxied);
      await nextTurn();
      await this.#review(proxied);
      this.#running.delete(proxied);
    }
    this.#reviewers--;
    if (this.#reviewers === 0) this.#report();
  }

  async #review(proxied: ProxiedRequest): Promise<void> {
    const { inForce } = this.#deps;
    while (!proxied.isOver) {
      const config = inForce.current;
      try {
        const authentication = await reconsider(proxied, config);
        // Another configuration may have come while an authorization server was asked.
        if (inForce.current === config) return this.#settle(proxied, authentication);
      } catch (error) {
        return proxied.onUnexpected(error);
      }
    }
  }

  #settle(proxied: ProxiedRequest, authentication: Authentication): void {
    if (proxied.isOver) return;
    if (authentication.ok) return proxied.renew(authentication.principal);
    this.#refused++;
    proxied.refuse(authentication.denial);
  }

  /** One line for all: a single one for each of thousands of streams would say no more. */
  #report(): void {
    if (this.#refused > 0)
      this.#deps.logger.info({ refused: this.#refused }, 'requests under way ended: not permitted any more');
    this.#refused = 0;
  }
}
