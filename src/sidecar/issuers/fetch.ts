// Fetches one JSON document of an issuer over TLS: GET, or POST of a form. What the document means is the caller's.
import type { Agent } from 'node:https';
import { HttpError, httpRequest } from '../../base/http-request.ts';
import { decodeUtf8 } from '../../protocol/json.ts';
import type { IssuerErrorCode } from '../../protocol/sidecar-status.ts';
import { IssuerError } from './issuer-error.ts';
import { guardedLookup, isRefusedHost } from './ssrf-guard.ts';

/** Answers longer than this are refused (bytes): a key set is a few kilobytes. */
const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;

export interface FetchOptions {
  /** PEM bundle to trust instead of the system's roots. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /**
   * The URL comes from a document, not from the configuration: it must be https, and must not lead to this machine or to
   * an address at which clouds hand out credentials (MCP security best practices, SSRF).
   */
  readonly discovered?: boolean;
  readonly timeoutMs?: number;
  /** Limits connections; a connection of its own for each request when absent. */
  readonly agent?: Agent;
  /** Makes it a POST. Neither member is ever part of an error. */
  readonly form?: { readonly authorization: string; readonly body: string };
}

/** Gets one JSON document, as it came. A parameter of all that fetch, so that tests control it. */
export type FetchText = (url: string, options: FetchOptions) => Promise<string>;

/** Gets one JSON document, parsed. */
export type FetchJson = (url: string, options: FetchOptions) => Promise<unknown>;

/**
 * Gets the text of a document from an https URL.
 *
 * Only a 200 counts: a redirect would let the server that answers choose the next host (RFC 9700 section 4.13).
 * @throws IssuerError naming the URL and what went wrong
 */
export const fetchText: FetchText = async (url, options) => {
  const what = `${options.form ? 'POST' : 'GET'} ${url}`;
  const target = new URL(url);
  checkScheme(what, target);
  if (options.discovered === true) checkAddress(what, target);
  const text = decodeUtf8(await send(what, url, options));
  if (text === undefined) throw new IssuerError('not_utf8', `${what}: response is not UTF-8`);
  return text;
};

/**
 * Gets a JSON document from an https URL.
 * @throws IssuerError as `fetchText`, or because the answer is not JSON
 */
export const fetchJson: FetchJson = async (url, options) => parseJson(url, await fetchText(url, options));

/** @throws IssuerError when the text that came from the URL is not JSON */
export function parseJson(url: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new IssuerError('not_json', `GET ${url}: response is not JSON`, { cause });
  }
}

/** Tokens and the sidecar's own secret are sent there: never over plain HTTP, configured or discovered. */
function checkScheme(what: string, { protocol }: URL): void {
  if (protocol !== 'https:')
    throw new IssuerError('refused_address', `${what}: URL must start with https://`);
}

/** For an address nothing is resolved, so that the guard of the connection would not be asked. */
function checkAddress(what: string, url: URL): void {
  if (isRefusedHost(url)) throw new IssuerError('refused_address', `${what}: address is not allowed`);
}

async function send(what: string, url: string, options: FetchOptions): Promise<Buffer> {
  const { ca, signal, discovered, form, agent, timeoutMs = TIMEOUT_MS } = options;
  try {
    const { body } = await httpRequest(url, {
      timeoutMs,
      maxBytes: MAX_BYTES,
      expectedStatus: 200,
      signal,
      ca,
      agent,
      headers: { Accept: 'application/json', ...(form && formHeaders(form)) },
      ...(form && { method: 'POST', body: form.body }),
      ...(discovered === true && { lookup: guardedLookup }),
    });
    return body;
  } catch (cause) {
    throw new IssuerError(codeOf(cause), `${what}: ${(cause as Error).message}`, { cause });
  }
}

function formHeaders({ authorization, body }: NonNullable<FetchOptions['form']>): Record<string, string> {
  return {
    Authorization: authorization,
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(Buffer.byteLength(body)),
  };
}

function codeOf(error: unknown): IssuerErrorCode {
  if (!(error instanceof HttpError)) return 'unexpected';
  // The guard's own, by way of the connection that it forbade.
  if (error.cause instanceof IssuerError) return error.cause.code;
  switch (error.code) {
    case 'aborted':
      return 'stopped';
    case 'bad_status':
      return codeOfStatus(error.status ?? 0);
    case 'unreachable':
    case 'tls':
    case 'timeout':
    case 'too_large':
    case 'not_http':
      return error.code;
    default:
      return error.code satisfies never;
  }
}

function codeOfStatus(status: number): IssuerErrorCode {
  if (status >= 300 && status < 400) return 'redirect';
  return status === 429 || status >= 500 ? 'unavailable' : 'bad_status';
}
