// The reference server's sessions of the legacy era: each belongs to who began it.
import type { IncomingMessage } from 'node:http';
import type { Setup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';
import type { Members } from './jws.ts';

const FEW = 1_000;

/** Issuer, subject and client: not the token, which is another after every refresh. */
export function principalOf(claims: Members, req: IncomingMessage, wrong: Wrong): string {
  if (wrong('session-of-token')) return req.headers.authorization ?? '';
  if (wrong('session-of-subject')) return String(claims['sub']);
  return JSON.stringify([claims['iss'], claims['sub'], claims['client_id'] ?? claims['azp']]);
}

export class ReferenceSessions {
  readonly #setup: Setup;
  readonly #wrong: Wrong;
  readonly #owners = new Map<string, string>();

  constructor(setup: Setup, wrong: Wrong) {
    this.#setup = setup;
    this.#wrong = wrong;
  }

  /** The status of the refusal, or undefined where the request may go on. */
  problem(req: IncomingMessage, principal: string): 400 | 404 | undefined {
    const id = req.headers['mcp-session-id'];
    if (id === undefined) {
      const replays = req.headers['last-event-id'] !== undefined;
      return replays && !this.#wrong('replay-without-session') ? 404 : undefined;
    }
    if (this.#wrong('sessions-for-all')) return undefined;
    if (!/^[\x21-\x7e]{1,256}$/.test(String(id))) return this.#wrong('any-session-id') ? 404 : 400;
    const owner = this.#owners.get(String(id));
    if (owner === principal) return undefined;
    const trusts = this.#setup.transport?.unknownSessions === 'TrustOnFirstUse';
    if (owner === undefined && trusts !== this.#wrong('swaps-unknown-sessions')) {
      this.#owners.set(String(id), principal);
      return undefined;
    }
    return this.#wrong('get-of-any-session') && req.method === 'GET' ? undefined : 404;
  }

  /** Learns from the head of an answer. */
  observe(
    req: IncomingMessage,
    method: string | undefined,
    principal: string,
    answer: Pick<IncomingMessage, 'statusCode' | 'headers'>,
  ): void {
    const status = answer.statusCode ?? 0;
    const succeeded = status >= 200 && status < 300;
    const begun = answer.headers['mcp-session-id'];
    const used = req.headers['mcp-session-id'];
    if (typeof begun === 'string' && succeeded) {
      if (method === 'initialize' || this.#wrong('learns-from-any-answer'))
        this.#owners.set(begun, principal);
    }
    const [oldest] = this.#owners.keys();
    if (oldest !== undefined && this.#owners.size > FEW && this.#wrong('few-sessions'))
      this.#owners.delete(oldest);
    const over = status === 404 || (req.method === 'DELETE' && succeeded);
    if (used !== undefined && over && !this.#wrong('sessions-never-end')) this.#owners.delete(String(used));
  }
}
