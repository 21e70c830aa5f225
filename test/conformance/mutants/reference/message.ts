// The reference server's reading of a POST: which JSON-RPC messages, of which era, and whether the header fields agree
// (MCP 2026-07-28, Streamable HTTP, "Server Validation"; 2025-03-26, "Batching").
import type { IncomingMessage } from 'node:http';
import { MODERN } from '../../../kit/messages.ts';
import type { Wrong } from '../mutants.ts';
import type { Members } from './jws.ts';

type Id = string | number | undefined;

/** Why a body is refused; status 400 unless said otherwise. */
export class Rejected extends Error {
  readonly code: number;
  readonly id: Id;
  readonly data: Members | undefined;

  constructor(code: number, id?: Id, data?: Members) {
    super(`rejected with ${code}`);
    this.code = code;
    this.id = id;
    this.data = data;
  }
}

export interface Messages {
  readonly isModern: boolean;
  /** Of a single message. */
  readonly method: string | undefined;
  readonly id: Id;
}

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const LEGACY: readonly unknown[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const BATCHES = '2025-03-26';
const STANDARD = ['mcp-protocol-version', 'mcp-method', 'mcp-name'];
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** @throws Rejected */
export function readMessages(bytes: Buffer, req: IncomingMessage, wrong: Wrong): Messages {
  const value = parse(bytes, wrong);
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) checkBatched(item, wrong);
    checkBatch(value as unknown[], req, wrong);
    return { isModern: false, method: undefined, id: undefined };
  }
  if (typeof value !== 'object' || value === null) throw new Rejected(-32600);
  const message = value as Members;
  if (message['method'] === undefined && wrong('requests-only')) throw new Rejected(-32600);
  const { method } = message;
  const id = method === undefined ? undefined : (message['id'] as Id);
  const told = wrong('errors-without-id') ? undefined : id;
  for (const name of STANDARD) {
    if ((req.headersDistinct[name]?.length ?? 0) > 1 && !wrong('first-field-wins')) {
      throw new Rejected(-32020, told);
    }
  }
  const isModern = wrong('no-header-rules')
    ? versionOf(message) !== undefined
    : checkEra(message, told, req, wrong);
  return { isModern, method: typeof method === 'string' ? method : undefined, id: told };
}

function parse(bytes: Buffer, wrong: Wrong): unknown {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return JSON.parse(text.decode(bytes)) as unknown;
  } catch {
    if (wrong('forwards-what-is-not-json')) return {};
    throw new Rejected(wrong('server-error-codes') ? -32000 : -32700);
  }
}

function checkBatched(item: unknown, wrong: Wrong): void {
  const isMessage = typeof item === 'object' && item !== null && !Array.isArray(item);
  if (wrong('any-batch')) return;
  if (!isMessage || versionOf(item as Members) !== undefined) throw new Rejected(-32600);
}

function checkBatch(items: readonly unknown[], req: IncomingMessage, wrong: Wrong): void {
  const version = req.headers['mcp-protocol-version'];
  if (version !== undefined && version !== BATCHES && !wrong('batches-in-every-version')) {
    throw new Rejected(-32600);
  }
  if ((items.length === 0 || items.length > 100) && !wrong('any-batch')) throw new Rejected(-32600);
}

function versionOf({ params }: Members): unknown {
  const meta = (params as Members | undefined)?.['_meta'];
  return (meta as Members | undefined)?.[VERSION];
}

/** Whether the message is of the modern era. */
function checkEra(message: Members, id: Id, req: IncomingMessage, wrong: Wrong): boolean {
  const version = versionOf(message);
  const field = req.headers['mcp-protocol-version'];
  const isRequest = message['method'] !== undefined && message['id'] !== undefined;
  const named = version ?? field;
  if (version !== undefined && field !== undefined && field !== version && !wrong('values-not-compared')) {
    throw new Rejected(-32020, id);
  }
  if (named !== undefined && named !== MODERN && !LEGACY.includes(named) && !wrong('any-version')) {
    throw new Rejected(-32022, id, { supported: [...LEGACY, MODERN], requested: named });
  }
  if (version === undefined && field === MODERN && isRequest && !wrong('era-by-header')) {
    throw new Rejected(-32602, id);
  }
  if (field === undefined && message['method'] === 'initialize' && wrong('version-required')) {
    throw new Rejected(-32600, id);
  }
  const required = version !== undefined && (isRequest || wrong('notifications-too'));
  const missing = required || (field === MODERN && wrong('notifications-too'));
  if (missing && field === undefined) throw new Rejected(-32020, id);
  checkMirrored(message, { id, required: missing }, req, wrong);
  return version !== undefined || field === MODERN;
}

function checkMirrored(
  message: Members,
  { id, required }: { id: Id; required: boolean },
  req: IncomingMessage,
  wrong: Wrong,
): void {
  const { method, params } = message;
  const methodField = req.headers['mcp-method'];
  const nameField = req.headers['mcp-name'];
  const member = NAMED[String(method)];
  if (required && methodField === undefined) throw new Rejected(-32020, id);
  if (required && member !== undefined && nameField === undefined && !wrong('name-optional')) {
    throw new Rejected(-32020, id);
  }
  if (wrong('values-not-compared')) return;
  const same = wrong('methods-in-any-case')
    ? (a: unknown, b: unknown) => String(a).toLowerCase() === String(b).toLowerCase()
    : (a: unknown, b: unknown) => a === b;
  if (methodField !== undefined && !same(methodField, method)) throw new Rejected(-32020, id);
  if (nameField === undefined || member === undefined) return;
  const name = wrong('first-field-wins') ? req.headersDistinct['mcp-name']?.[0] : nameField;
  if (decode(String(name), wrong) !== (params as Members)[member]) throw new Rejected(-32020, id);
}

/** SEP-2243, "Value Encoding". */
function decode(value: string, wrong: Wrong): string | undefined {
  if (wrong('trims-unicode')) return value.trim();
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined || wrong('no-sentinel')) return value;
  if (wrong('lenient-sentinel')) return Buffer.from(encoded, 'base64').toString();
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded ? bytes.toString() : undefined;
}
