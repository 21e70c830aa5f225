// Which installation of the operator manages a namespace, where two of them watch it: a ConfigMap there names the holder.
// Not who leads within an installation: that is the Lease.
import { randomUUID } from 'node:crypto';
import type { Logger } from '../base/log.ts';
import { CLAIM_NAME } from '../api/names.ts';
import type { Client } from '../kube/client.ts';
import { isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Scheduler } from '../kube/scheduler.ts';
import { claimObject, claimOf, UNHELD, type Claim } from './claim.ts';
import { CLAIM_LABEL_MANAGER, FIELD_MANAGER } from './field-managers.ts';
import { CONFIG_MAPS, type ConfigMap } from './kinds.ts';

interface ClaimsOptions {
  readonly client: Pick<Client, 'create' | 'apply' | 'delete'>;
  readonly cache: {
    claim(namespace: string): ConfigMap | undefined;
    claims(): ConfigMap[];
    learn(object: ConfigMap): void;
    hasServers(namespace: string): boolean;
  };
  /** No other installation has it. One that is renamed, or replaced by a release that takes over its Lease, keeps it. */
  readonly installation: string;
  /** A holder that has not answered for this long is gone (milliseconds). Longer than any restart or upgrade takes. */
  readonly expiryMs: number;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly log: Logger;
  readonly scheduler: Scheduler;
}

/** What a namespace looked like, and since when, by this process's clock: another's is not comparable. */
interface Seen {
  readonly state: string;
  readonly since: number;
}

export class Claims {
  readonly #options: ClaimsOptions;
  /** Namespaces of others: since when the holder owes an answer, or has given it. */
  readonly #others = new Map<string, Seen>();
  /** Namespaces of this installation: since when the last challenge is known. */
  readonly #challenged = new Map<string, Seen>();
  /** One look at a namespace at a time; servers of one namespace share it. */
  readonly #looks = new Map<string, Promise<boolean>>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** How long one that stands by may wait until it looks again (milliseconds). */
  get retryMs(): number {
    return Math.min(60_000, this.#options.expiryMs / 2);
  }

  /**
   * Whether this installation manages the namespace: it was there first, or the one that was does not answer any more.
   * @throws ApiError, NoAnswerError where a later attempt may succeed
   */
  async hold(namespace: string, signal: AbortSignal): Promise<boolean> {
    const look =
      this.#looks.get(namespace) ??
      this.#look(namespace, signal).finally(() => this.#looks.delete(namespace));
    this.#looks.set(namespace, look);
    return look;
  }

  /** Leaves a namespace in which no server is left. */
  async release(namespace: string, signal: AbortSignal): Promise<void> {
    const { cache, installation } = this.#options;
    const claim = cache.claim(namespace);
    if (cache.hasServers(namespace)) return;
    this.#others.delete(namespace);
    this.#challenged.delete(namespace);
    if (claim === undefined || claimOf(claim).holder !== installation) return;
    await this.#remove(claim, namespace, signal);
  }

  /** The installation that stands by for a namespace of this one; undefined when none has asked for a while. */
  contender(namespace: string): string | undefined {
    const claim = this.#options.cache.claim(namespace);
    const { holder, contender, challenge = '' } = claim === undefined ? UNHELD : claimOf(claim);
    if (holder !== this.#options.installation || contender === undefined) return undefined;
    const age = this.#ageOf(this.#challenged, namespace, challenge);
    return age < 3 * this.#options.expiryMs ? contender : undefined;
  }

  /** Whether another installation manages the namespace: what is published there is its own. */
  isOfAnother(namespace: string): boolean {
    const claim = this.#options.cache.claim(namespace);
    return claim !== undefined && claimOf(claim).holder !== this.#options.installation;
  }

  /** Namespaces with servers that another installation manages, with its name. */
  ofOthers(): { readonly namespace: string; readonly holder: string }[] {
    const { cache, installation } = this.#options;
    return cache
      .claims()
      .map((claim) => ({ namespace: claim.metadata.namespace ?? '', holder: claimOf(claim).holder }))
      .filter(({ namespace, holder }) => holder !== installation && cache.hasServers(namespace));
  }

  async #look(namespace: string, signal: AbortSignal): Promise<boolean> {
    const claim = this.#options.cache.claim(namespace);
    try {
      if (claim === undefined) return await this.#make(namespace, signal);
      return claimOf(claim).holder === this.#options.installation
        ? await this.#keep(claim, namespace, signal)
        : await this.#contend(claim, namespace, signal);
    } catch (error) {
      // Another was faster: the watch tells who, and wakes the servers.
      if (isConflict(error)) return false;
      if (!isInvalid(error)) throw error;
      await this.#remove(claim, namespace, signal); // one that was made immutable
      return false;
    }
  }

  /** One that stood by does not jump at a claim that vanished: the holder makes it anew, if it lives. */
  async #make(namespace: string, signal: AbortSignal): Promise<boolean> {
    const { client, cache, installation, expiryMs } = this.#options;
    if (this.#others.has(namespace) && this.#ageOf(this.#others, namespace, 'absent') < expiryMs)
      return false;
    const options = { fieldManager: FIELD_MANAGER, signal };
    try {
      cache.learn(
        await client.create(CONFIG_MAPS, claimObject(namespace, { holder: installation }), options),
      );
    } catch (error) {
      if (isAlreadyExists(error)) return this.#show(namespace, signal);
      // A quota is full, or the namespace is ending: the servers are looked after all the same.
      if (!isForbidden(error)) throw error;
    }
    this.#others.delete(namespace);
    return true;
  }

  /**
   * There is one that the watch, which goes by a label, does not show: it has just been made, or is without the label. Its
   * data stays: the field manager is another than the claim's.
   */
  async #show(namespace: string, signal: AbortSignal): Promise<false> {
    const { client, cache } = this.#options;
    const { data: _, ...object } = claimObject(namespace, UNHELD);
    const options = { fieldManager: CLAIM_LABEL_MANAGER, force: true, signal };
    cache.learn(await client.apply(CONFIG_MAPS, object, options));
    return false;
  }

  /** Answers a challenge: the only thing that a holder ever writes. */
  async #keep(live: ConfigMap, namespace: string, signal: AbortSignal): Promise<boolean> {
    this.#others.delete(namespace);
    const claim = claimOf(live);
    const { contender, challenge, answer } = claim;
    if (challenge === undefined || challenge === answer) return true;
    await this.#write(live, namespace, { ...claim, answer: challenge }, signal);
    this.#options.log.warn({ namespace, contender }, 'another installation watches this namespace');
    return true;
  }

  async #contend(live: ConfigMap, namespace: string, signal: AbortSignal): Promise<boolean> {
    const { installation, expiryMs, log } = this.#options;
    const { holder, challenge, answer } = claimOf(live);
    const isFirst = !this.#others.has(namespace);
    const isOpen = challenge !== undefined && challenge !== answer;
    const age = this.#ageOf(this.#others, namespace, isOpen ? challenge : `answered ${answer ?? ''}`);
    if (isFirst) this.#say(live, namespace, holder);
    if (isOpen && age >= expiryMs) {
      await this.#write(live, namespace, { holder: installation }, signal);
      this.#others.delete(namespace);
      log.warn({ namespace, holder }, 'namespace taken over: its installation does not answer');
      return true;
    }
    if (!isOpen && (isFirst || age >= expiryMs)) {
      const asked = { holder, contender: installation, challenge: randomUUID() };
      await this.#write(live, namespace, answer === undefined ? asked : { ...asked, answer }, signal);
    }
    return false;
  }

  #say(live: ConfigMap, namespace: string, holder: string): void {
    const { events, installation, log } = this.#options;
    log.warn(
      { namespace, holder, installation },
      'standing down: another installation manages this namespace',
    );
    events.record(live, {
      type: 'Warning',
      reason: 'StandingDown',
      action: 'Reconcile',
      note: `Operator ${installation} leaves this namespace to operator ${holder}, which was there first.`,
    });
  }

  /** Of two that write at once, one succeeds: it is written over the version that was seen. */
  async #write({ metadata }: ConfigMap, namespace: string, claim: Claim, signal: AbortSignal): Promise<void> {
    const { client, cache } = this.#options;
    const wanted = claimObject(namespace, claim);
    const object = {
      ...wanted,
      metadata: { ...wanted.metadata, resourceVersion: metadata.resourceVersion ?? '' },
    };
    const options = { fieldManager: FIELD_MANAGER, force: true, signal };
    cache.learn(await client.apply(CONFIG_MAPS, object, options));
  }

  async #remove(claim: ConfigMap | undefined, namespace: string, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = claim?.metadata ?? {};
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    try {
      await this.#options.client.delete(
        CONFIG_MAPS,
        { name: CLAIM_NAME, namespace },
        { ...preconditions, signal },
      );
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** For how long a namespace has been in this state (milliseconds). */
  #ageOf(seen: Map<string, Seen>, namespace: string, state: string): number {
    const now = this.#options.scheduler.now();
    const known = seen.get(namespace);
    if (known?.state === state) return now - known.since;
    seen.set(namespace, { state, since: now });
    return 0;
  }
}
