// The one call of the benchmark and its answers, as bytes: about 300 bytes of JSON-RPC each way.

/** What the last measured hop must have delivered. */
export const ANSWER_TEXT = 'Partly cloudy over Hamburg';

const ANSWER = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  result: {
    content: [
      {
        type: 'text',
        text: `${ANSWER_TEXT}, 14 degrees Celsius, wind from the west at 18 kilometres per hour, rain after four o'clock.`,
      },
    ],
    structuredContent: { sky: 'partly cloudy', celsius: 14, wind: 'W 18 km/h', rain: true },
    isError: false,
  },
});

const CALL = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'forecast',
    arguments: { city: 'Hamburg', country: 'Germany', language: 'en', units: 'metric', hours: 24 },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    },
  },
});

const EVENT = `event: message\ndata: ${ANSWER}\n\n`;
const EVENT_CHUNK = `${Buffer.byteLength(EVENT).toString(16)}\r\n${EVENT}\r\n`;
const SSE_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n';

export const JSON_RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(ANSWER)}\r\n\r\n${ANSWER}`,
);
/** One event, then the end. */
export const SSE_RESPONSE = Buffer.from(`${SSE_HEAD}${EVENT_CHUNK}0\r\n\r\n`);
/** One event, and no end: a client that listens. */
export const OPEN_STREAM = Buffer.from(`${SSE_HEAD}${EVENT_CHUNK}`);

/** Tells the server of the benchmark which answer to give; lower case, as some proxies write every name. */
export const STREAM_FIELD = 'bench-answer: stream';

/** A `tools/call` as a client sends it. */
export function callRequest(host: string, token: string, answer: 'json' | 'sse'): Buffer {
  return Buffer.from(
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
      'Accept: application/json, text/event-stream\r\nUser-Agent: bench/1.0\r\nMCP-Protocol-Version: 2026-07-28\r\n' +
      `mcp-method: tools/call\r\nmcp-name: forecast\r\n${answer === 'sse' ? `${STREAM_FIELD}\r\n` : ''}` +
      `Content-Length: ${Buffer.byteLength(CALL)}\r\n\r\n${CALL}`,
  );
}

/** A client that opens a stream to listen. */
export function streamRequest(host: string, token: string): Buffer {
  return Buffer.from(
    `GET /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n` +
      'User-Agent: bench/1.0\r\nMCP-Protocol-Version: 2026-07-28\r\n\r\n',
  );
}
