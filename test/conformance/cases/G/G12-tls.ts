// G12: tokens and answers travel by TLS that is worth its name, with a certificate that is renewed while we run.
import assert from 'node:assert/strict';
import { connect, type ConnectionOptions } from 'node:tls';
import { selfSigned } from '../../../kit/certificate.ts';
import { openEventStream } from '../../../kit/upstream.ts';
import { NotApplicable, type Case } from '../../case.ts';
import { readAll } from '../../../kit/http.ts';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { settles } from '../../bench/wire.ts';

const SECONDS = 60;

export const G12: Case = {
  id: 'G12',
  level: 'MUST',
  rule: 'TLS 1.2 and 1.3 only; a new certificate is served within a minute, and open streams survive it',
  source: 'RFC 9728 section 7.1; RFC 9325 (BCP 195)',
  own: true,
  async run(bench) {
    assert.equal(await handshake(bench, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), 'TLSv1.2');
    assert.equal(await handshake(bench, { minVersion: 'TLSv1.3' }), 'TLSv1.3');
    const refused: Record<string, ConnectionOptions> = {
      'TLS 1.1': { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      'no encryption': { maxVersion: 'TLSv1.2', ciphers: 'eNULL:@SECLEVEL=0' },
      'no certificate': { maxVersion: 'TLSv1.2', ciphers: 'aNULL:@SECLEVEL=0' },
    };
    await each(refused, async (options) => {
      assert.equal(await handshake(bench, { ...options, rejectUnauthorized: false }), undefined);
    });

    const { running } = bench;
    if (running.replaceCertificate === undefined)
      throw new NotApplicable('its certificate cannot be replaced');
    bench.upstream.script = openEventStream;
    const token = bench.token();
    const stream = await bench.open({ method: 'GET', headers: { Authorization: `Bearer ${token}` } });
    assert.equal(stream.statusCode, 200);
    let ended = false;
    void readAll(stream).then(
      () => (ended = true),
      () => (ended = true),
    );
    const renewed = await selfSigned('mcp.example.test', [], ['mcp.example.test']);
    await running.replaceCertificate(renewed);
    let served = false;
    const deadline = Date.now() + SECONDS * 1000;
    while (!served && Date.now() < deadline) {
      served = (await handshake(bench, { ca: renewed.cert })) !== undefined;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(served, `the new certificate is not served within ${SECONDS} s`);
    assert.ok(!(await settles(() => ended, 300)), 'an open stream was cut');
    stream.destroy();
  },
};

/** The version agreed on; undefined if there is none, or the certificate is not to be trusted. */
function handshake(bench: Bench, options: ConnectionOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...bench.tls, ...options }, () => {
      resolve(socket.getProtocol() ?? undefined);
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
  });
}
