// What the reference server serves on demand besides its endpoint and the metadata, and what mutants serve unasked.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import { send } from './forward.ts';
import type { ReferenceContext } from './token.ts';

type Rules = Pick<ReferenceContext, 'setup' | 'wrong'>;

const JSON_TYPE = ['Content-Type', 'application/json'];
const MIRROR = '/.well-known/oauth-authorization-server';

/** Answers requests outside the endpoint. @returns whether it did */
export async function serveExtras(
  path: string,
  res: ServerResponse,
  { setup, wrong }: Rules,
): Promise<boolean> {
  if (path === MIRROR && (setup.mirrorsIssuerMetadata || wrong('mirrors-unasked'))) {
    const document = await issuerMetadata(setup);
    send(res, 200, JSON_TYPE, wrong('mirrors-anew') ? JSON.stringify(JSON.parse(document)) : document);
    return true;
  }
  if (/^\/(authorize|token|register)$/.test(path) && wrong('oauth-proxy')) {
    send(res, 302, ['Location', `${setup.issuers[0]?.issuer}${path}`], '');
    return true;
  }
  if (/^\/(sse|messages)$/.test(path) && wrong('http-sse')) {
    send(res, 401, [], '');
    return true;
  }
  if (path === '/healthz' && wrong('health-in-public')) {
    send(res, 200, [], 'ok');
    return true;
  }
  return false;
}

/** Counts what failed by where it came from. */
export class Failures {
  readonly #counts = new Map<string, number>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Whether that was one too many. */
  count({ socket: { remoteAddress = '' } }: IncomingMessage): boolean {
    const { setup, wrong } = this.#rules;
    const source = wrong('all-sources-are-one') ? '' : remoteAddress;
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    return count > (setup.failuresPerMinute ?? Infinity) && !wrong('guess-on');
  }
}

async function issuerMetadata({ issuers }: Rules['setup']): Promise<string> {
  const [{ issuer, ca } = { issuer: '', ca: '' }] = issuers;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${issuer}/.well-known/openid-configuration`, { ca, agent: false }, resolve).on('error', reject);
  });
  return text(answer);
}
