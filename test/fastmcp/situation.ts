// A situation that both arrangements are put into, and how what comes back is told in a few words.
import { echo, INITIALIZE, JSON_TYPES, legacy, messageIn, modern, type Message } from './messages.ts';
import type { Answer, SendOptions, Side } from './side.ts';

/** @typeParam World what it needs besides a side: tokens, an issuer */
export interface Situation<World> {
  readonly name: string;
  /** What is seen, in words that are the same for both where their users see the same. */
  readonly see: (side: Side, world: World) => Promise<string>;
  /** Why what is seen differs. A situation without it must look the same from both sides. */
  readonly why?: string;
}

export const initialize: Message = { headers: JSON_TYPES, body: INITIALIZE };

/** A message with this token; a first call when no message is given. */
export function bearer(token: string, message: Message = initialize): SendOptions & Message {
  return { ...message, headers: { ...message.headers, Authorization: `Bearer ${token}` } };
}

/** A status and, where there is a challenge, its error: what decides what a client does next. */
export function told({ status, headers }: Answer): string {
  const challenge = headers['www-authenticate'];
  if (challenge === undefined) return String(status);
  const error = /error="([a-z_]+)"/.exec(challenge)?.[1] ?? 'challenge';
  const metadata = 'resource_metadata="https://localhost:8001/.well-known/oauth-protected-resource/mcp"';
  return `${status} ${error}${challenge.includes(metadata) ? '' : ', without metadata URL'}`;
}

/** What a first call with this token gets. */
export async function tellOf(side: Side, token: string): Promise<string> {
  return told(await side.send(bearer(token)));
}

/** A whole session of the legacy era: three requests, one after the other. */
export async function legacySession(side: Side, token: string): Promise<string> {
  const first = await side.send(bearer(token));
  if (first.status !== 200) return told(first);
  const session = String(first.headers['mcp-session-id']);
  const list = await side.send(bearer(token, legacy(session, 'tools/list')));
  const call = await side.send(bearer(token, legacy(session, 'tools/call', echo({ message: 'ab' }))));
  return `${toolsIn(list)}; ${resultIn(call)}`;
}

export async function modernCalls(side: Side, token: string): Promise<string> {
  const list = await side.send(bearer(token, modern('tools/list')));
  return `${toolsIn(list)}; ${await echoed(side, token, { message: 'ab' })}`;
}

export async function echoed(side: Side, token: string, args: object): Promise<string> {
  return resultIn(await side.send(bearer(token, modern('tools/call', echo(args)))));
}

function toolsIn(answer: Answer): string {
  if (answer.status !== 200) return told(answer);
  const tools = messageIn(answer.body).result?.['tools'] as { name: string }[];
  return `tools: ${tools.map(({ name }) => name).join(', ')}`;
}

function resultIn(answer: Answer): string {
  if (answer.status !== 200) return told(answer);
  const { isError, content } = messageIn(answer.body).result ?? {};
  const text = (content as { text: string }[]).map(({ text }) => text).join('');
  return isError === true ? '200, isError' : `200, \`${text}\``;
}
