// Which spellings of a URI are the same (RFC 3986 section 6.2), and which texts are no URI at all.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { normalHttpUri } from '../../../../src/sidecar/authentication/http-uri.ts';

const MCP = 'https://mcp.example.test:8001/mcp';

describe('the same URI', () => {
  for (const uri of [
    MCP,
    'HTTPS://MCP.Example.TEST:8001/mcp',
    'https://mcp.example.test:8001/%6Dcp',
    'https://mcp.example.test:8001/%6dcp',
    'https://mcp.example.test:8001/./mcp',
    'https://mcp.example.test:8001/a/../mcp',
  ]) {
    it(uri, () => assert.equal(normalHttpUri(uri), MCP));
  }

  it('with and without a default port, and an empty path', () => {
    assert.equal(normalHttpUri('https://h:443/x'), 'https://h/x');
    assert.equal(normalHttpUri('http://h:80/x'), 'http://h/x');
    assert.equal(normalHttpUri('https://h'), normalHttpUri('https://h/'));
    assert.equal(normalHttpUri('https://[::1]:8001/mcp'), 'https://[::1]:8001/mcp');
  });

  it('with percent-encoding that is needed in either case of the digits', () => {
    assert.equal(normalHttpUri('https://h/a%2fb'), normalHttpUri('https://h/a%2Fb'));
    assert.notEqual(normalHttpUri('https://h/a%2Fb'), normalHttpUri('https://h/a/b'));
  });
});

describe('another URI', () => {
  for (const uri of [
    'http://mcp.example.test:8001/mcp',
    'https://mcp.example.test/mcp',
    'https://mcp.example.test:8001/mcp/',
    'https://mcp.example.test:8001/MCP',
    'https://mcp.example.test:8001//mcp',
    'https://mcp.example.test:8001/mcp/..%2fx',
    'https://evil.test:8001/mcp',
  ]) {
    it(uri, () => assert.notEqual(normalHttpUri(uri), MCP));
  }
});

describe('no URI', () => {
  for (const text of [
    '',
    'mcp',
    '/mcp',
    '//mcp.example.test:8001/mcp',
    'ftp://h/x',
    'javascript:alert(1)',
    `${MCP}?`,
    `${MCP}?x=1`,
    `${MCP}#`,
    `${MCP}#x`,
    'https://a@h/x',
    'https://@h/x',
    'https://a:b@h/x',
    'https:/h/x',
    'https:h/x',
    'https:\\\\h\\x',
    'https://h\\x',
    ' https://h/x',
    'https://h/x ',
    'https://h/x\n',
    'ht\ntps://h/x',
    'https://h/ä',
    'https://ä/x',
    'https://h/%',
    'https://h/%zz',
    'https://h%2Fx',
    'https:///x',
    'https://h:99999/x',
    'https://[::1/x',
    `https://h/${'x'.repeat(3000)}`,
  ]) {
    it(JSON.stringify(text).slice(0, 60), () => assert.equal(normalHttpUri(text), undefined));
  }
});
