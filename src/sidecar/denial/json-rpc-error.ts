// The JSON-RPC error that a refused message is answered with. Which message is refused is decided elsewhere.

/** An error object of JSON-RPC 2.0 section 5.1, and what is logged of it. Holds no text of the client's but the id. */
export interface JsonRpcError {
  /** One of `protocol/json-rpc.ts`. */
  readonly code: number;
  readonly message: string;
  /** Stable: value of the `reason` log field. */
  readonly reason: string;
  /** The request's id as JSON text, where it could be read. */
  readonly id?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>>;
}
