// The error codes of JSON-RPC and MCP that the programs send and read.

/** JSON-RPC 2.0 section 5.1. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const INVALID_PARAMS = -32602;
/** JSON-RPC 2.0 section 5.1: of the reserved codes, the only one that says "not the client's fault". */
export const INTERNAL_ERROR = -32603;

/** MCP 2026-07-28, Streamable HTTP: header fields and body name different things. */
export const HEADER_MISMATCH = -32020;
/** MCP 2026-07-28, version negotiation. */
export const UNSUPPORTED_VERSION = -32022;
