// Asks the MCP server's endpoint whether it takes messages: a server that runs may serve another path, or want credentials.
import { request, type IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { EndpointState } from '../../protocol/sidecar-status.ts';

/** A server that does not answer a ping in this time says nothing of its path (milliseconds). */
const TIMEOUT_MS = 1_000;
/** Of the answer (bytes): enough to tell a JSON-RPC message from a page. */
const MAX_BYTES = 4 * 1024;
/** An endpoint that is not usable is not asked again before (milliseconds). */
const ASK_AGAIN_MS = 5_000;
/** In every revision an answer or an error, and nothing is done. */
const PING = '{"jsonrpc":"2.0","id":"protected-mcp-endpoint","method":"ping"}';

/**
 * Remembers a usable endpoint for as long as the server runs: some servers begin a session for each message that comes
 * without one, and keep it.
 */
export class EndpointProbe {
  /** Of the MCP endpoint, on loopback. */
  readonly url: string;
  readonly #clock: Clock;
  #state: EndpointState = 'unknown';
  #askedAt = -Infinity;
  #asking: Promise<EndpointState> | undefined;

  constructor(url: string, clock: Clock) {
    this.url = url;
    this.#clock = clock;
  }

  /** @param isReachable whether the server accepts connections; once it does not, another one may be next */
  async state(isReachable: boolean): Promise<EndpointState> {
    if (!isReachable) {
      this.#state = 'unknown';
      this.#askedAt = -Infinity;
      return 'unknown';
    }
    if (this.#asking !== undefined) return this.#asking;
    if (this.#state === 'usable' || this.#clock() - this.#askedAt < ASK_AGAIN_MS) return this.#state;
    this.#askedAt = this.#clock();
    this.#asking = ask(this.url).finally(() => (this.#asking = undefined));
    this.#state = await this.#asking;
    return this.#state;
  }
}

function ask(url: string): Promise<EndpointState> {
  return new Promise((resolve) => {
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'User-Agent': 'protected-mcp-sidecar',
      'Content-Length': Buffer.byteLength(PING),
    };
    const asked = request(url, { method: 'POST', headers, agent: false });
    const settle = (state: EndpointState) => {
      clearTimeout(timer);
      asked.destroy();
      resolve(state);
    };
    const timer = setTimeout(() => settle('unknown'), TIMEOUT_MS);
    asked.on('error', () => settle('unknown'));
    asked.on('response', (answer) => {
      if (answer.statusCode !== 404) return settle(stateOf(answer.statusCode ?? 0));
      // In MCP 2026-07-28 also the answer to a method that the server does not know.
      void firstBytes(answer).then((text) => settle(isJsonRpc(text) ? 'usable' : 'not_found'));
    });
    asked.end(PING);
  });
}

function stateOf(status: number): EndpointState {
  if (status === 405) return 'method_not_allowed';
  if (status === 401 || status === 407) return 'unauthorized';
  if (status >= 300 && status < 400) return 'redirect';
  // A server with sessions answers 400, one that wants other fields 406 or 415: it takes messages all the same.
  return status < 500 ? 'usable' : 'unknown';
}

async function firstBytes(answer: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of answer) {
      text += (chunk as Buffer).toString('latin1');
      if (text.length > MAX_BYTES) break;
    }
  } catch {
    // Cut: what came is looked at.
  }
  return text;
}

function isJsonRpc(text: string): boolean {
  const [, data = text] = /^data: ?(.*)$/m.exec(text) ?? [];
  try {
    const message: unknown = JSON.parse(data);
    return typeof message === 'object' && message !== null && 'jsonrpc' in message;
  } catch {
    return false;
  }
}
