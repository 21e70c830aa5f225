// The JSON-RPC error object that answers an invalid message. Which messages are invalid is decided in messages/.

/**
 * An error object of JSON-RPC 2.0 section 5.1, and what is logged of it. Repeats nothing that the client sent but
 * the id and an unsupported version.
 */
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
