// Who gets a permit, and that it holds what was asked and nothing else.
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { Principal } from '../../../../src/sidecar/authentication/authenticate.ts';
import { authorize, baselineDenial } from '../../../../src/sidecar/authorization/authorize.ts';
import { InForce } from '../../../../src/sidecar/authorization/in-force.ts';
import {
  compilePolicy,
  type Policy,
  type PolicyConfig,
} from '../../../../src/sidecar/authorization/policy.ts';
import { RequestHeaders } from '../../../../src/sidecar/http/request-headers.ts';
import type { ReceivedRequest } from '../../../../src/sidecar/http/received-request.ts';
import { callWithoutBody, readCall, uninspectedCall } from '../../../../src/sidecar/messages/call.ts';

const headers = new RequestHeaders(
  { claimToHeaders: [], identityAssertion: undefined, forwardOriginalToken: false },
  'test',
);

function received(method: string, rawHeaders: readonly string[] = []): ReceivedRequest {
  const req = new IncomingMessage(new Socket());
  req.method = method;
  return { req, res: new ServerResponse(req), fields: headers.read(rawHeaders) };
}

function calling(...messages: readonly object[]): ReturnType<typeof readCall> {
  const body = messages.length === 1 ? messages[0] : messages;
  return readCall(Buffer.from(JSON.stringify(body)), received('POST'), '');
}

const toolCall = (id: number, name: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name },
});

/** Made by hand: that only `authenticate` makes one is for the compiler. */
const principal = (scopes: readonly string[]) =>
  ({
    issuer: 'i',
    subject: 's',
    client: undefined,
    owner: 'o',
    scopes,
    expiresAt: 0,
    headerLines: '',
  }) as unknown as Principal;

const policyWith = (changes: Partial<PolicyConfig>) =>
  compilePolicy({
    requiredScopes: ['mcp:basic'],
    metadata: { scopesSupported: [] },
    scopeHierarchy: [],
    stepUpScopes: 'Operation',
    ...changes,
  });

/** A configuration with this policy, and with an authenticator by which every principal still is what it was found to be. */
const inForce = (policy: Policy, holds = true) =>
  new InForce({ policy, authenticator: { holds: () => holds } });

describe('scopes that everything needs', () => {
  const two = { requiredScopes: ['mcp:basic', 'mcp:tools'] };
  const admin = { scopeHierarchy: [{ scope: 'mcp:admin', includes: ['mcp:basic'] }] };
  const rows: readonly [
    name: string,
    policy: Partial<PolicyConfig>,
    granted: readonly string[],
    missing?: readonly string[],
  ][] = [
    ['the one that is needed', {}, ['mcp:basic']],
    ['no scope', {}, [], ['mcp:basic']],
    ['another scope', {}, ['mcp:other'], ['mcp:basic']],
    ['a scope that begins so', {}, ['mcp:basic:read'], ['mcp:basic']],
    ['a scope that ends so', {}, ['x-mcp:basic'], ['mcp:basic']],
    ['the scope in capitals', {}, ['MCP:BASIC'], ['mcp:basic']],
    ['two scopes written as one', {}, ['mcp:basic mcp:tools'], ['mcp:basic']],
    ['both of two', two, ['mcp:tools', 'mcp:basic']],
    ['the first of two', two, ['mcp:basic'], ['mcp:basic', 'mcp:tools']],
    ['the second of two', two, ['mcp:tools'], ['mcp:basic', 'mcp:tools']],
    ['neither of two', two, ['openid'], ['mcp:basic', 'mcp:tools']],
    ['nothing of two', two, [], ['mcp:basic', 'mcp:tools']],
    ['both in one text', two, ['mcp:basic,mcp:tools'], ['mcp:basic', 'mcp:tools']],
    ['one that includes it', admin, ['mcp:admin']],
    ['one that nothing includes', admin, ['mcp:root'], ['mcp:basic']],
    ['an empty scope', admin, [''], ['mcp:basic']],
    ['a name of an object', admin, ['__proto__'], ['mcp:basic']],
    ['another that the hierarchy does not name', admin, ['constructor'], ['mcp:basic']],
    ['a star', admin, ['*'], ['mcp:basic']],
  ];
  for (const [name, changes, granted, missing] of rows) {
    it(`${name}: ${missing === undefined ? 'permitted' : 'refused'}`, () => {
      const reading = calling(toolCall(1, 'echo'));
      assert.ok(reading.ok);
      const policy = policyWith(changes);
      const denial = missing && { kind: 'insufficient_scope', scopes: missing };
      assert.deepEqual(baselineDenial(principal(granted), policy), denial, 'before the body is read');
      const authorization = authorize(principal(granted), reading.call, inForce(policy));
      assert.deepEqual(authorization.kind === 'denied' ? authorization.denial : undefined, denial);
      assert.equal(authorization.kind, denial === undefined ? 'permitted' : 'denied');
    });
  }

  it('are none: any principal is permitted', () => {
    const reading = calling(toolCall(1, 'echo'));
    assert.ok(reading.ok);
    const none = inForce(policyWith({ requiredScopes: [] }));
    assert.equal(authorize(principal([]), reading.call, none).kind, 'permitted');
  });
});

describe('what holds now decides', () => {
  const decide = (policies: InForce) => {
    const reading = calling(toolCall(1, 'echo'));
    assert.ok(reading.ok);
    return authorize(principal(['mcp:basic']), reading.call, policies).kind;
  };

  it('a principal that does not hold any more gets no permit, and no denial either', () => {
    assert.equal(decide(inForce(policyWith({}), false)), 'outdated');
    assert.equal(decide(inForce(policyWith({ requiredScopes: ['mcp:other'] }), false)), 'outdated');
  });

  it('a policy that was replaced is not asked', () => {
    const policies = inForce(policyWith({}));
    policies.replace(inForce(policyWith({ requiredScopes: ['mcp:other'] })).current);
    assert.equal(decide(policies), 'denied');
  });
});

describe('a permit', () => {
  it('holds the principal and the call it was given for', () => {
    const reading = calling(toolCall(1, 'echo'));
    assert.ok(reading.ok);
    const who = principal(['mcp:basic']);
    const authorization = authorize(who, reading.call, inForce(policyWith({})));
    assert.ok(authorization.kind === 'permitted');
    assert.equal(authorization.permit.principal, who);
    assert.equal(authorization.permit.call, reading.call);
  });
});

describe('the content of a call', () => {
  const operations = (reading: ReturnType<typeof readCall>) => {
    assert.ok(reading.ok);
    const { content } = reading.call;
    assert.ok(content.kind === 'messages');
    return content.operations.map(({ method, name }) => [method, name]);
  };

  it('names the operation and what it acts on', () => {
    assert.deepEqual(operations(calling(toolCall(1, 'echo'))), [['tools/call', 'echo']]);
  });

  it('names every operation of a batch, notifications too, and no response', () => {
    const reading = calling(
      toolCall(1, 'echo'),
      { jsonrpc: '2.0', id: 7, result: {} },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: 'file:///a' } },
    );
    assert.deepEqual(operations(reading), [
      ['tools/call', 'echo'],
      ['notifications/initialized', undefined],
      ['resources/read', 'file:///a'],
    ]);
  });

  it('has no operation where the client only answers the server', () => {
    assert.deepEqual(operations(calling({ jsonrpc: '2.0', id: 7, result: {} })), []);
  });

  it('is exactly the bytes that were validated', () => {
    const bytes = Buffer.from('{"jsonrpc":"2.0","id":1, "method":"ping" }');
    const reading = readCall(bytes, received('POST'), '');
    assert.ok(reading.ok && reading.call.content.kind === 'messages');
    assert.equal(reading.call.content.bytes, bytes);
  });

  it('is nothing without a body, and unread only where one is announced', () => {
    assert.deepEqual(callWithoutBody(received('GET', ['Content-Length', '5']), '').content, { kind: 'none' });
    const kindOf = (method: string, ...fields: string[]) =>
      uninspectedCall(received(method, fields), '', 'Off').content.kind;
    assert.equal(kindOf('POST'), 'none');
    assert.equal(kindOf('POST', 'Content-Length', '0'), 'none');
    assert.equal(kindOf('POST', 'Content-Length', '1'), 'unread');
    assert.equal(kindOf('POST', 'Transfer-Encoding', 'chunked'), 'unread');
    assert.equal(kindOf('GET', 'Content-Length', '1'), 'unread');
  });
});
