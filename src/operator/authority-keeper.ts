// Keeps the operator's own authority: reads, makes, renews, rotates and publishes it, and puts it back when its Secret is gone.
// Never makes a new one in place of one that was lost, unless told to. The states themselves are authority.ts's.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { isStopped, isAlreadyExists, isNotFound } from '../kube/errors.ts';
import type { Client } from '../kube/client.ts';
import type { EventContent } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import { sleep, type Scheduler } from '../kube/scheduler.ts';
import type { PermittedNames } from '../pki/name-constraints.ts';
import {
  acceptedSigners,
  AUTHORITY_NAME,
  bundleOf,
  fingerprint,
  firstCertificate,
  haveSameKey,
  newAuthority,
  nextState,
  ROTATE_ANNOTATION,
  secretOf,
  signer,
  stateOf,
  succeeding,
  type AuthorityState,
  type Pair,
} from './authority.ts';
import { FIELD_MANAGER } from './field-managers.ts';
import { CONFIG_MAPS, SECRETS, type ConfigMap, type Secret } from './kinds.ts';

/** How often the Secret is looked at (milliseconds). */
export const CHECK_MS = 30_000;
/** On the ConfigMap: the fingerprint of the authority that is given up for a new one; of none, `unknown`. */
export const ABANDON_ANNOTATION = 'protectedmcp.dev/abandon-authority';

export interface AuthorityView {
  /** PEM: what clients are to trust; empty where nothing is known. */
  readonly bundle: string;
  /** PEM: the authorities whose certificates need not be replaced now. */
  readonly signers: readonly string[];
  /** Why no certificate can be issued, and what to do; undefined when they can. */
  readonly lost: string | undefined;
}

interface AuthorityKeeperOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'update' | 'apply'>;
  /** The operator's namespace. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly overlapMs: number;
  readonly permitted: PermittedNames;
  /** What is known of the certificates that were issued. */
  readonly issued: {
    /** Whether there is one. */
    readonly isAny: () => boolean;
    /** Whether one that has not expired is of another authority. */
    readonly isAnyNotOf: (authority: string) => boolean;
  };
  /** Whether clients of some server were given an authority to trust. Its text is the namespace's, and is not taken. */
  readonly isAnyTrusted: () => boolean;
  readonly log: Logger;
  readonly record: (regarding: KubeObject, event: EventContent) => void;
  /** Called when servers have to be looked at again. */
  readonly onChange: () => void;
  /** Called each time the Secret was put back. */
  readonly onRestore: () => void;
}

export class AuthorityKeeper {
  readonly #options: AuthorityKeeperOptions;
  #held: AuthorityState | undefined;
  #attempted: AuthorityState | undefined;
  #lost: { readonly bundle: string; readonly problem: string } | undefined;
  #lastView = '';

  constructor(options: AuthorityKeeperOptions) {
    this.#options = options;
  }

  /** Undefined until the first look. */
  get view(): AuthorityView | undefined {
    const now = this.#options.clock();
    if (this.#held !== undefined)
      return {
        bundle: bundleOf(this.#held, now),
        signers: acceptedSigners(this.#held, now),
        lost: undefined,
      };
    return this.#lost && { bundle: this.#lost.bundle, signers: [], lost: this.#lost.problem };
  }

  /** What certificates are signed with now; undefined when they cannot be. */
  get signer(): Pair | undefined {
    return this.#held && signer(this.#held, this.#options.clock());
  }

  /** Looks again and again, until the signal. */
  async run(scheduler: Scheduler, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(scheduler, CHECK_MS, signal);
      if (signal.aborted) return;
      try {
        await this.check(signal);
      } catch (err) {
        if (!isStopped(err)) this.#options.log.error({ err }, 'authority check failed, retrying');
      }
    }
  }

  /** One look, and the one step that is due. @throws ApiError, NoAnswerError where a later look may succeed */
  async check(signal: AbortSignal): Promise<void> {
    const [secret, published] = [await this.#find(SECRETS, signal), await this.#find(CONFIG_MAPS, signal)];
    await this.#step(secret, published, signal);
    await this.#publish(published, signal);
    const view = JSON.stringify(this.view);
    if (view !== this.#lastView) this.#options.onChange();
    this.#lastView = view;
  }

  /** A step that fails does not stop work with what is held: it is taken again with the next look. */
  async #step(
    secret: Secret | undefined,
    published: ConfigMap | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await (this.#held === undefined
        ? this.#begin(secret, published, signal)
        : this.#keep(this.#held, secret, signal));
    } catch (err) {
      if (this.#held === undefined || isStopped(err)) throw err;
      this.#options.log.error({ err }, 'authority not stored, retrying');
    }
  }

  async #find<T extends KubeObject>(
    resource: { readonly kind: string } & Parameters<Client['get']>[0],
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { client, namespace } = this.#options;
    try {
      return (await client.get(resource, { name: AUTHORITY_NAME, namespace }, { signal })) as T; // of that kind
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Of an operator that holds none: takes the stored one, makes the first, or says that it is lost. */
  async #begin(
    secret: Secret | undefined,
    published: ConfigMap | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, overlapMs, permitted, issued, isAnyTrusted } = this.#options;
    const now = clock();
    const before = firstCertificate(published?.data?.['ca.crt']);
    const stored = secret && stateOf(secret);
    if (stored !== undefined) {
      const state = succeedsUnknown(stored, before, now + overlapMs);
      if (state !== stored) return this.#write(state, secret, signal);
      this.#hold(stored);
      return this.#keep(stored, secret, signal);
    }
    const isAbandoned =
      published?.metadata.annotations?.[ABANDON_ANNOTATION] === (before ? fingerprint(before) : 'unknown');
    const isSecond = secret !== undefined || before !== undefined || issued.isAny() || isAnyTrusted();
    if (isSecond && !isAbandoned) return this.#lose(secret, published, before);
    const made = await newAuthority({ now, permitted });
    const state = before === undefined ? made : succeeding(made, before, now + overlapMs);
    await this.#write(state, secret, signal);
  }

  /** Puts the Secret back where it is not what is held; else carries out the step that is due. */
  async #keep(held: AuthorityState, secret: Secret | undefined, signal: AbortSignal): Promise<void> {
    const { clock, overlapMs, permitted, issued, log, record, onRestore, namespace } = this.#options;
    // A write whose answer was lost.
    if (this.#attempted !== undefined && secret !== undefined && isSame(secret, this.#attempted, namespace))
      return this.#hold(this.#attempted);
    if (secret === undefined || !isSame(secret, held, namespace)) {
      await this.#write(held, secret, signal);
      onRestore();
      const what = secret === undefined ? 'deleted' : 'changed';
      log.error({ namespace, name: AUTHORITY_NAME, reason: what }, 'authority secret put back');
      const note = `The Secret ${namespace}/${AUTHORITY_NAME} was ${what} and is put back as it was: servers have certificates of this authority. To replace the authority, annotate the Secret with ${ROTATE_ANNOTATION}.`;
      record(configMapOf(namespace), {
        type: 'Warning',
        reason: 'AuthorityRestored',
        action: 'Restore',
        note,
      });
      return;
    }
    const next = await nextState(held, {
      now: clock(),
      overlapMs,
      permitted,
      rotate: secret.metadata.annotations?.[ROTATE_ANNOTATION] !== undefined,
      previousInUse: () => issued.isAnyNotOf(held.newest.certificate),
    });
    if (next !== held) await this.#write(next, secret, signal);
    else this.#hold(held);
  }

  /** Never forced: of two operators that start at once, the second must use the first one's. */
  async #write(state: AuthorityState, secret: Secret | undefined, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#options;
    const object = secretOf(state, namespace, secret);
    const options = { fieldManager: FIELD_MANAGER, signal };
    this.#attempted = state;
    try {
      await (secret === undefined
        ? client.create(SECRETS, object, options)
        : client.update(SECRETS, object, options));
      this.#hold(state);
    } catch (error) {
      const other = isAlreadyExists(error) ? await this.#find<Secret>(SECRETS, signal) : undefined;
      const stored = other && stateOf(other);
      if (stored === undefined || this.#held !== undefined) throw error;
      this.#hold(stored);
    }
  }

  #hold(state: AuthorityState): void {
    this.#held = state;
    this.#attempted = undefined;
    this.#lost = undefined;
  }

  #lose(secret: Secret | undefined, published: ConfigMap | undefined, before: string | undefined): void {
    const { namespace, log, record } = this.#options;
    const what = secret === undefined ? 'is missing' : 'holds no certificate with its key';
    const mark = before === undefined ? 'unknown' : fingerprint(before);
    const create = `kubectl create configmap ${AUTHORITY_NAME} --namespace ${namespace}; `;
    const problem =
      `The Secret ${namespace}/${AUTHORITY_NAME} ${what}, and servers have certificates of the authority that was in it. Restore ` +
      `it from a backup. If there is none, begin anew: ${published === undefined ? create : ''}kubectl annotate configmap ${AUTHORITY_NAME} --namespace ${namespace} ` +
      `${ABANDON_ANNOTATION}=${mark}`;
    if (this.#lost?.problem !== problem) {
      log.error({ namespace, name: AUTHORITY_NAME, err: problem }, 'authority lost');
      record(configMapOf(namespace), {
        type: 'Warning',
        reason: 'AuthorityLost',
        action: 'Read',
        note: problem,
      });
    }
    this.#lost = { bundle: before ?? '', problem };
  }

  async #publish(published: ConfigMap | undefined, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#options;
    const { bundle = '', lost } = this.view ?? {};
    if (lost !== undefined || published?.data?.['ca.crt'] === bundle) return;
    const object = { ...configMapOf(namespace), data: { 'ca.crt': bundle } };
    await client.apply(CONFIG_MAPS, object, { fieldManager: FIELD_MANAGER, force: true, signal });
  }
}

/** A stored authority that clients have not heard of, such as one from an old backup, takes over after the overlap. */
function succeedsUnknown(
  stored: AuthorityState,
  published: string | undefined,
  from: number,
): AuthorityState {
  const isKnown =
    published === undefined ||
    [stored.newest, ...(stored.previous ? [stored.previous] : [])].some(({ certificate }) =>
      haveSameKey(certificate, published),
    );
  return isKnown ? stored : succeeding(stored, published, from);
}

function isSame(secret: Secret, state: AuthorityState, namespace: string): boolean {
  const { data } = secretOf(state, namespace, undefined);
  const names = ['tls.crt', 'tls.key', 'previous.crt', 'previous.key'];
  return names.every((name) => secret.data?.[name] === data?.[name]);
}

function configMapOf(namespace: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: AUTHORITY_NAME, namespace } };
}
