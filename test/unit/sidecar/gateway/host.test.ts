// Under which names this server answers: its own on any port, and no other.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostPolicy, isHost } from '../../../../src/sidecar/gateway/host.ts';

const isOurs = hostPolicy({
  resource: 'https://mcp.example.com:8001/mcp',
  publicHosts: ['Echo.demo.svc', '[::1]'],
});

describe('Host', () => {
  for (const host of [
    'mcp.example.com',
    'mcp.example.com:8001',
    'mcp.example.com:31000',
    'MCP.Example.COM',
    'echo.demo.svc',
    'echo.demo.svc:443',
    '[::1]:8001',
  ]) {
    it(`${host} is a name of this server`, () => {
      assert.equal(isOurs(host), true);
      assert.equal(isOurs(host), true, 'also when it is remembered');
    });
  }
  for (const host of [
    'evil.test',
    'evil.test:8001',
    'mcp.example.com.evil.test',
    'evilmcp.example.com',
    'example.com',
    '127.0.0.1',
    'mcp.example.com.',
    'localhost',
    '[::2]',
  ]) {
    it(`${host} is another's`, () => {
      assert.equal(isOurs(host), false);
      assert.equal(isHost(host), true, 'but a name');
    });
  }
  for (const host of [
    '',
    'mcp.example.com,evil.test',
    'mcp.example.com@evil.test',
    'mcp.example.com:',
    'mcp.example.com:x',
    'mcp.example.com:999999',
    'mcp.example.com/mcp',
    ' mcp.example.com',
    'mcp.example.com evil.test',
    '[::1',
    'mcp%2eexample.com',
    undefined,
  ]) {
    it(`${JSON.stringify(host)} is no name`, () => {
      if (host !== undefined) assert.equal(isOurs(host), false);
      assert.equal(isHost(host), false);
    });
  }

  it('is remembered in bounded memory, and rightly beyond it', () => {
    const policy = hostPolicy({ resource: 'https://a.test/mcp', publicHosts: [] });
    for (let i = 0; i < 200; i++) assert.equal(policy(`h${i}.test`), false);
    assert.equal(policy('a.test'), true);
    assert.equal(policy('b.test'), false);
  });
});
