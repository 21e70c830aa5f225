// Reviews requests under way whose right to go on has to be found out again: a few at a time, each until it is settled.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../../base/log.ts';
import type { Authentication, Principal } from '../authentication/authenticate.ts';
import type { InForce } from '../authorization/in-force.ts';
import type { ProxiedRequest } from '../proxy/proxy.ts';
import type { CompiledConfig } from './compiled-config.ts';
import { reconsider } from './reconsider.ts';

/** Reviews of a lane at once: each may wait for an authorization server, and a new configuration makes thousands due. */
const AT_ONCE = 16;

interface ReviewsDependencies {
  readonly inForce: InForce<CompiledConfig>;
  readonly logger: Logger;
}

/** Requests whose reviews may wait for the same authorization server, in the order in which they came. */
interface Lane {
  readonly waiting: Set<ProxiedRequest>;
  reviewers: number;
}

/** What is reviewed is reviewed once at a time, by the configuration in force when its turn comes. */
export class Reviews {
  readonly #deps: ReviewsDependencies;
  /**
   * By issuer and kind of token; none is empty. An authorization server that hangs keeps back no reviews but its own: the
   * others end what was withdrawn (docs/adr/0025).
   */
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Set<ProxiedRequest>();
  #refused = 0;

  constructor(deps: ReviewsDependencies) {
    this.#deps = deps;
  }

  /** Adds a request, unless its review is due or going on. */
  add(proxied: ProxiedRequest): void {
    if (this.#running.has(proxied)) return;
    const name = laneOf(proxied.principal);
    const lane = this.#lanes.get(name) ?? this.#open(name);
    lane.waiting.add(proxied);
    if (lane.reviewers < AT_ONCE) void this.#work(name, lane);
  }

  #open(name: string): Lane {
    const lane: Lane = { waiting: new Set(), reviewers: 0 };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** One review a turn of the event loop: what else is due comes in between. */
  async #work(name: string, lane: Lane): Promise<void> {
    lane.reviewers++;
    for (const proxied of lane.waiting) {
      lane.waiting.delete(proxied);
      this.#running.add(proxied);
      await nextTurn();
      await this.#review(proxied);
      this.#running.delete(proxied);
    }
    lane.reviewers--;
    if (lane.reviewers > 0) return;
    this.#lanes.delete(name);
    this.#report();
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

  /** One line for all of a lane: a single one for each of thousands of streams would say no more. */
  #report(): void {
    if (this.#refused > 0)
      this.#deps.logger.info({ refused: this.#refused }, 'requests under way ended: not permitted any more');
    this.#refused = 0;
  }
}

/** Opaque tokens are asked about each time, and of a JWT only the keys may have to be waited for. */
function laneOf({ issuer, basis }: Principal): string {
  return `${basis.trust === undefined ? 'opaque' : 'jwt'} ${issuer}`;
}
