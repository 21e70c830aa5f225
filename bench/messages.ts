// What the benchmark's processes say to each other over their IPC channels. Types only.

/** Where a target listens. */
export interface Address {
  readonly port: number;
  /** Plain HTTP where false. */
  readonly tls: boolean;
}

/** What the load generator is to do; it answers each order with one `LoadReply`. */
export type LoadOrder =
  | { readonly kind: 'connect'; readonly address: Address; readonly connections: number }
  | ({ readonly kind: 'prepare' } & RequestSet)
  | { readonly kind: 'run'; readonly seconds: number }
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'open-streams'; readonly address: Address; readonly count: number };

/** The requests of a run. */
export interface RequestSet {
  /** A part of the token pool. */
  readonly tokens: { readonly from: number; readonly count: number };
  /** Each token is sent once and the run ends when none is left; otherwise they go round. */
  readonly once: boolean;
  readonly answer: 'json' | 'sse';
}

export type LoadReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string };

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers that were not 200, by status. */
  readonly refused: Readonly<Record<string, number>>;
  /** Milliseconds; measured when there is one connection. */
  readonly latency: { readonly p50: number; readonly p99: number } | undefined;
}

/** What every measured process answers to `{ kind: 'usage' }` (meter.ts). */
export interface Usage {
  /** User and system time since its start, all threads (microseconds). */
  readonly cpu: number;
  /** Resident memory (bytes). */
  readonly rss: number;
}

export interface UsageReply extends Usage {
  readonly kind: 'usage';
}

/** A server of the benchmark says where it listens. */
export interface Listening {
  readonly kind: 'listening';
  readonly port: number;
}
