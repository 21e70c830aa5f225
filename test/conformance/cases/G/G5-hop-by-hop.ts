// G5: fields of one hop end there, and what a client names in `Connection` cannot take ours away.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { chunked, exchange, wire } from '../../bench/wire.ts';
import { IDENTITY } from '../../needs.ts';

export const G5: Case = {
  id: 'G5',
  level: 'MUST',
  rule: 'Hop-by-hop fields, what Connection names, and trailers are removed before our fields are added',
  source: 'RFC 9110 section 7.6.1; RFC 9112 section 7.1.2',
  async run(bench) {
    const named = `${IDENTITY}, authorization, x-mcp-tools, x-forwarded-for`;
    await bench.accepts(bench.token(), {
      headers: {
        Connection: named,
        'X-MCP-Tools': '1',
        'X-MCP-Toolsets': '1',
        'Keep-Alive': 'timeout=9',
        TE: 'trailers',
      },
    });
    const { headers = {} } = bench.forwarded[0] ?? {};
    assert.equal(headers[IDENTITY.toLowerCase()], 'alice', 'our field was named in Connection');
    assert.equal(headers['x-mcp-toolsets'], '1');
    await each(['x-mcp-tools', 'keep-alive', 'te', 'trailer', 'upgrade', 'proxy-connection'], (name) => {
      assert.equal(headers[name], undefined);
    });
    assert.doesNotMatch(headers.connection ?? '', /x-mcp-tools|subject|authorization/i);

    const trailers: unknown[] = [];
    bench.upstream.script = (req, res) => {
      req.resume().on('end', () => {
        trailers.push(...req.rawTrailers);
        res.writeHead(200, { 'Content-Type': 'application/json', Trailer: 'X-Late' });
        res.write('{}');
        res.addTrailers({ 'X-Late': 'late' });
        res.end();
      });
    };
    const last = `0\r\n${IDENTITY}: root\r\n\r\n`;
    const connection = await exchange(
      bench,
      wire(bench, {
        token: bench.token(),
        framing: ['Transfer-Encoding: chunked', `Trailer: ${IDENTITY}`, 'Connection: close'],
        body: chunked({ last }),
      }),
    );
    await connection.waitForClose();
    assert.deepEqual(trailers, [], 'trailers went up');
    assert.ok(!connection.received.includes('late'), 'trailers came down');
    for (const { rawHeaders } of bench.forwarded) assert.ok(!rawHeaders.includes('root'), 'as a field');
  },
};
