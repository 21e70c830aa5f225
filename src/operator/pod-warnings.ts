// Why a pod's containers are not made: the kubelet says so in events alone, a Secret that is missing among the reasons.
import type { Clock } from '../base/clock.ts';
import type { Client } from '../kube/client.ts';
import { POD_EVENTS, type ObjectEvent, type Pod } from './kinds.ts';

/** A pod that starts well needs no more than this (milliseconds). */
const STARTUP_MS = 10_000;
/** Events of one pod are not read again before (milliseconds): a pod can wait for days. */
const REREAD_MS = 15_000;
/** Pods whose events are remembered; beyond that the oldest is read again. */
const MAX_PODS = 1024;
const MAX_TEXT = 400;

interface PodWarningsDependencies {
  readonly client: Pick<Client, 'list'>;
  readonly clock: Clock;
}

/** The newest warning about each pod that does not start. */
export class PodWarnings {
  readonly #deps: PodWarningsDependencies;
  readonly #read = new Map<string, { readonly at: number; readonly warning: string | undefined }>();

  constructor(deps: PodWarningsDependencies) {
    this.#deps = deps;
  }

  /**
   * @param pod one that is starting
   * @returns undefined for a pod that is young, or about which there is no warning; a failure to read is none either, since
   *   a condition without its cause is better than no condition
   */
  async of(pod: Pod, signal: AbortSignal): Promise<string | undefined> {
    const { uid = '', namespace, creationTimestamp } = pod.metadata;
    const now = this.#deps.clock();
    if (!(now - Date.parse(creationTimestamp ?? '') > STARTUP_MS)) return undefined;
    const known = this.#read.get(uid);
    if (known !== undefined && now - known.at < REREAD_MS) return known.warning;
    const warning = await this.#newest(uid, namespace, signal).catch(() => undefined);
    this.#remember(uid, { at: now, warning });
    return warning;
  }

  async #newest(
    uid: string,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
    const { items } = await this.#deps.client.list(POD_EVENTS, {
      namespace,
      fieldSelector,
      signal,
      most: 50,
    });
    const [newest] = items.toSorted((a, b) => timeOf(b) - timeOf(a));
    return newest && `${newest.reason ?? 'Warning'}: ${clean(newest.message ?? '')}`;
  }

  #remember(uid: string, read: { readonly at: number; readonly warning: string | undefined }): void {
    this.#read.delete(uid);
    this.#read.set(uid, read);
    const [oldest] = this.#read.keys();
    if (this.#read.size > MAX_PODS && oldest !== undefined) this.#read.delete(oldest);
  }
}

function timeOf({ lastTimestamp, eventTime, metadata }: ObjectEvent): number {
  const time = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
  return Number.isNaN(time) ? 0 : time;
}

/** Others may write events into the namespace, with anything in them: no control characters, and not without end. */
function clean(message: string): string {
  return message
    .slice(0, MAX_TEXT)
    .toWellFormed()
    .replace(/\p{C}+/gu, ' ');
}
