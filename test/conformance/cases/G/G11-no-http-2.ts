// G11: rules for HTTP/2 apply where it is offered. It must be offered whole or not at all.
import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import type { Case } from '../../case.ts';
import { NotApplicable } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';

export const G11: Case = {
  id: 'G11',
  level: 'MUST°',
  rule: 'HTTP/2 is not offered by ALPN, and its preface is no request',
  source: 'RFC 9113 sections 3.2, 8.2 and 8.3',
  async run(bench) {
    if ((await protocolOf(bench, ['h2', 'http/1.1'])) === 'h2') {
      const connection = await bench.raw({ ALPNProtocols: ['h2'] });
      connection.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const spoken = !connection.closed && !connection.received.startsWith('HTTP/1.1');
      connection.destroy();
      if (spoken) throw new NotApplicable('the target offers HTTP/2, which this suite does not test');
      assert.fail('h2 is offered and not spoken');
    }
    assert.notEqual(await protocolOf(bench, ['h2']), 'h2', 'h2 alone');
    await bench.accepts(bench.token());
  },
};

function protocolOf(bench: Bench, ALPNProtocols: string[]): Promise<string | false | null> {
  return new Promise((resolve) => {
    const socket = connect({ ...bench.tls, ALPNProtocols }, () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
