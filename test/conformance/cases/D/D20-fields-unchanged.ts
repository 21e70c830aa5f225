// D20: a field that is not there means something too.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { INIT, message, modernCall } from '../../../kit/messages.ts';

const ALL = ['accept', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id', 'last-event-id'];

export const D20: Case = {
  id: 'D20',
  level: 'MUST°',
  rule: 'The fields of MCP, unknown Mcp-Param fields among them, go up as they are, and none is added',
  source: 'MCP 2026-07-28 (SEP-2243); MCP 2025-06-18, "Protocol Version Header"',
  async run(bench) {
    const token = bench.token();
    const seen = () => bench.forwarded.at(-1)?.headers ?? {};
    const modern = modernCall('read_file');
    const fields = {
      ...modern.headers,
      Accept: 'application/json;q=0.9, text/event-stream',
      'Mcp-Param-Region': 'eu-west-1',
      'Mcp-Param-X': '=?base64?SGVsbG8=?=',
    };
    await bench.accepts(token, { ...modern, headers: fields });
    for (const [name, value] of Object.entries(fields)) assert.equal(seen()[name.toLowerCase()], value, name);

    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': 'application/json', 'Mcp-Session-Id': 's-20' }).end('{}');
    };
    await bench.accepts(token, { body: INIT });
    const legacy = {
      'MCP-Protocol-Version': '2025-06-18',
      'Mcp-Session-Id': 's-20',
      'Last-Event-ID': 'e 1/2',
      Accept: 'text/event-stream',
    };
    await bench.callWith(token, { method: 'GET', headers: legacy });
    for (const [name, value] of Object.entries(legacy)) assert.equal(seen()[name.toLowerCase()], value, name);

    const connection = await bench.raw();
    const body = message('tools/list');
    const count = bench.forwarded.length;
    connection.send(
      `POST ${bench.path} HTTP/1.1\r\nHost: ${bench.host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.deepEqual(await connection.waitForStatuses(1), [200]);
    connection.destroy();
    assert.equal(bench.forwarded.length, count + 1);
    for (const name of ALL) assert.equal(seen()[name], undefined, `${name} was added`);
  },
};
