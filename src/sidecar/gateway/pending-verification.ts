// A request while its token is verified. Authenticates nothing itself.
import { Socket } from 'node:net';
import type { Presentation } from '../authentication/proof-of-possession.ts';
import type { Share } from '../limits/fair-shares.ts';

const GONE: Presentation = {
  req: { socket: new Socket() },
  fields: { proof: undefined, proofs: 0 },
  isProofAccepted: false,
};

/**
 * Stands for the request with the authenticator, and lets go of it when its connection is closed: a request keeps everything
 * in memory that was pipelined behind it, and an authorization server may take its time.
 */
export class PendingVerification<Context extends Presentation> implements Presentation {
  /** Its place among those whose token is looked at. */
  readonly share: Share;
  #context: Context | undefined;

  constructor(context: Context, share: Share) {
    this.#context = context;
    this.share = share;
  }

  /** `undefined` once the connection is closed. */
  get context(): Context | undefined {
    return this.#context;
  }

  get req(): Presentation['req'] {
    return this.#context?.req ?? GONE.req;
  }

  get fields(): Presentation['fields'] {
    return this.#context?.fields ?? GONE.fields;
  }

  get isProofAccepted(): boolean {
    return this.#context?.isProofAccepted ?? false;
  }

  set isProofAccepted(isAccepted: boolean) {
    if (this.#context !== undefined) this.#context.isProofAccepted = isAccepted;
  }

  letGo(): void {
    this.#context = undefined;
  }
}
