// G8: a request says whom it is for exactly once, and never where it is to be sent.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { exchange, wire } from '../../bench/wire.ts';

export const G8: Case = {
  id: 'G8',
  level: 'MUST',
  rule: 'No, two or an invalid Host get 400; an absolute target must name us and never selects the server',
  source: 'RFC 9112 section 3.2',
  async run(bench) {
    const token = bench.token();
    const ours = `Host: ${bench.host}`;
    const statusOf = async (changes: { host?: string[]; requestLine?: string }) => {
      const connection = await exchange(bench, wire(bench, { token, ...changes }));
      connection.destroy();
      return connection.statuses[0];
    };
    assert.equal(await statusOf({}), 200);
    const absolute = `POST https://${bench.host}${bench.path} HTTP/1.1`;
    assert.equal(await statusOf({ requestLine: absolute }), 200, 'an absolute target that names us');
    for (const { url } of bench.forwarded) assert.equal(url, bench.path);
    const before = bench.forwarded.length;
    const hosts = {
      none: [],
      'the same twice': [ours, ours],
      'ours first': [ours, 'Host: evil.test'],
      'ours last': ['Host: evil.test', ours],
      'two names in one': [`${ours}, evil.test`],
      'a path': [`${ours}/x`],
      'user info': [`Host: evil.test@${bench.host}`],
      'a blank': ['Host: mcp.example test'],
      empty: ['Host: '],
    };
    await each(hosts, async (host) => {
      assert.equal(await statusOf({ host }), 400);
      assert.equal(bench.forwarded.length, before);
    });
    const targets = [
      'http://169.254.169.254/',
      `http://169.254.169.254${bench.path}`,
      `https://evil.test${bench.path}`,
      `https://${bench.host}@evil.test${bench.path}`,
      `https://${bench.host}.evil.test${bench.path}`,
      `//evil.test${bench.path}`,
      `https://u:p@${bench.host}${bench.path}`,
      `https://${bench.host}/x/..${bench.path}`,
      `https://${bench.host}/%2e${bench.path}`,
      `https://${bench.host}${bench.path}#x`,
      `${bench.path}#x`,
      `${bench.path}?a#b`,
      `/x/..${bench.path}`,
    ];
    await each(targets, async (target) => {
      const status = await statusOf({ requestLine: `POST ${target} HTTP/1.1` });
      assert.ok([400, 404, 421].includes(status ?? 0), `status ${status}`);
      assert.equal(bench.forwarded.length, before);
    });
    assert.ok([400, 421].includes((await statusOf({ host: ['Host: 169.254.169.254'] })) ?? 0));
    assert.equal(bench.forwarded.length, before);
  },
};
