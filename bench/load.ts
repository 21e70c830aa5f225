// The load generator: a closed loop on each connection, steered over IPC by the benchmark. Checks nothing but statuses.
import { readFileSync } from 'node:fs';
import { callRequest, streamRequest } from './canned.ts';
import { LoadConnection } from './load-connection.ts';
import type { Address, LoadOrder, LoadReply, LoadResult, RequestSet } from './messages.ts';

const [certificateFile = '', tokenFile = ''] = process.argv.slice(2);
const HOST = 'localhost:8001';
/** Streams opened at the same time. */
const OPENING = 16;

const ca = readFileSync(certificateFile, 'utf8');
const tokens = readFileSync(tokenFile, 'latin1').split('\n');
const connections: LoadConnection[] = [];
let requests: Buffer[] = [];
let once = false;
let onAnswer: (index: number, status: number) => void = () => undefined;
let onFailure: (error: Error) => void = () => undefined;

async function connect(address: Address, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    connections.push(
      await LoadConnection.open({
        address,
        ca,
        onAnswer: (status) => onAnswer(index, status),
        onFailure: (error) => onFailure(error),
      }),
    );
  }
}

function prepare(set: RequestSet): void {
  const { from, count } = set.tokens;
  once = set.once;
  requests = tokens.slice(from, from + count).map((token) => callRequest(HOST, token, set.answer));
}

/** Sends on each connection, one request at a time, until the time is over or no token is left. */
function run(seconds: number): Promise<LoadResult> {
  const refused: Record<string, number> = {};
  const latencies: number[] = [];
  const isTimed = connections.length === 1;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let sent = 0;
  let answered = 0;
  let sentAt = startedAt;
  return new Promise((resolve, reject) => {
    const next = (index: number, now: number): boolean => {
      if (now >= endsAt || (once && sent >= requests.length)) return false;
      const request = requests[sent++ % requests.length] as Buffer; // the remainder is within the list
      sentAt = now;
      connections[index]?.send(request);
      return true;
    };
    onFailure = reject;
    onAnswer = (index, status) => {
      const now = performance.now();
      answered++;
      if (status !== 200) refused[status] = (refused[status] ?? 0) + 1;
      if (isTimed) latencies.push(now - sentAt);
      if (next(index, now) || answered < sent) return;
      resolve({
        requests: answered,
        seconds: (now - startedAt) / 1000,
        refused,
        latency: percentiles(latencies),
      });
    };
    connections.forEach((_, index) => next(index, startedAt));
  });
}

function percentiles(latencies: number[]): LoadResult['latency'] {
  if (latencies.length === 0) return undefined;
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function disconnect(): void {
  onFailure = () => undefined;
  for (const connection of connections.splice(0)) connection.close();
}

/** Opens streams and waits for the first event of each. */
async function openStreams(address: Address, count: number): Promise<void> {
  const request = streamRequest(HOST, tokens[0] ?? '');
  let opened = 0;
  const openNext = async (): Promise<void> => {
    while (opened < count) {
      opened++;
      await openStream(address, request);
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openNext));
}

function openStream(address: Address, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const answer = (status: number) =>
      status === 200 ? resolve() : reject(new Error(`a stream was answered with ${status}`));
    LoadConnection.open({
      address,
      ca,
      endless: true,
      onAnswer: answer,
      onFailure: (error) => onFailure(error),
    })
      .then((connection) => {
        connections.push(connection);
        connection.send(request);
      })
      .catch(reject);
  });
}

async function obey(order: LoadOrder): Promise<LoadReply> {
  switch (order.kind) {
    case 'connect':
      await connect(order.address, order.connections);
      return { kind: 'done' };
    case 'prepare':
      prepare(order);
      return { kind: 'done' };
    case 'run':
      return { kind: 'result', result: await run(order.seconds) };
    case 'disconnect':
      disconnect();
      return { kind: 'done' };
    case 'open-streams':
      await openStreams(order.address, order.count);
      return { kind: 'done' };
    default:
      return order satisfies never;
  }
}

process.on('message', (message: LoadOrder | { kind: 'usage' }) => {
  if (message.kind === 'usage') return; // for the meter
  obey(message).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ kind: 'failed', reason: String(error) } satisfies LoadReply),
  );
});
