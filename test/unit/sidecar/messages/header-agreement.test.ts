// Header fields against bodies: which are refused and with which code, which era the others are of.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateHeaders, decodeFieldValue } from '../../../../src/sidecar/messages/header-agreement.ts';
import { readBody } from '../../../../src/sidecar/messages/message.ts';
import { RequestHeaders } from '../../../../src/sidecar/http/request-headers.ts';

const headers = new RequestHeaders({ claimToHeaders: [], forwardOriginalToken: false }, 'test');
const META = 'io.modelcontextprotocol/protocolVersion';

type Fields = readonly (readonly [name: string, value: string])[];

/** @returns the era, or the refusal's code, id and data */
function validate(message: unknown, fields: Fields) {
  const reading = readBody(Buffer.from(JSON.stringify(message)));
  assert.ok(reading.ok, reading.ok ? '' : reading.error.reason);
  const agreement = validateHeaders(reading.body, headers.read(fields.flat()));
  if (agreement.ok) return agreement.era;
  const { code, id, data } = agreement.error;
  return { code, id, ...(data && { data }) };
}

const request = (method: string, params: object = {}, version = '2026-07-28') => ({
  jsonrpc: '2.0',
  id: 7,
  method,
  params: { ...params, _meta: { [META]: version } },
});
const modernCall = request('tools/call', { name: 'Hello' });
const legacyCall = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'Hello' } };
const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
const modernNotification = { ...notification, params: { _meta: { [META]: '2026-07-28' } } };
const response = { jsonrpc: '2.0', id: 7, result: {} };
const initialize = { jsonrpc: '2.0', id: 7, method: 'initialize', params: { protocolVersion: '2025-11-25' } };

const version = (value = '2026-07-28') => ['MCP-Protocol-Version', value] as const;
const method = (value = 'tools/call') => ['Mcp-Method', value] as const;
const name = (value = 'Hello') => ['Mcp-Name', value] as const;
const all = [version(), method(), name()];

const MISMATCH = { code: -32020, id: '7' };
const SUPPORTED = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];
const UNKNOWN = (requested: string, id: string | undefined = '7') => ({
  code: -32022,
  id,
  data: { supported: SUPPORTED, requested },
});
/** Of a body that names a version: only modern ones stand there. */
const UNKNOWN_IN_BODY = (requested: string) => ({
  code: -32022,
  id: '7',
  data: { supported: ['2026-07-28'], requested },
});

const refused: Record<string, Record<string, [message: unknown, fields: Fields, error: object]>> = {
  'a modern request without a field that it must have (D29)': {
    'no fields at all': [modernCall, [], MISMATCH],
    'no version': [modernCall, [method(), name()], MISMATCH],
    'no method': [modernCall, [version(), name()], MISMATCH],
    'no name: tools/call': [modernCall, [version(), method()], MISMATCH],
    'no name: prompts/get': [
      request('prompts/get', { name: 'a' }),
      [version(), method('prompts/get')],
      MISMATCH,
    ],
    'no name: resources/read': [
      request('resources/read', { uri: 'a:' }),
      [version(), method('resources/read')],
      MISMATCH,
    ],
    ...Object.fromEntries(
      ['tasks/get', 'tasks/update', 'tasks/cancel'].map((task) => [
        `no name: ${task}`,
        [request(task, { taskId: 't' }), [version(), method(task)], MISMATCH],
      ]),
    ),
  },
  'a field that says something else than the body (D30)': {
    'a version of the other era': [modernCall, [version('2025-11-25'), method(), name()], MISMATCH],
    'an unknown version': [modernCall, [version('2099-01-01'), method(), name()], MISMATCH],
    'an empty version': [modernCall, [version(''), method(), name()], MISMATCH],
    'another method': [modernCall, [version(), method('tools/list'), name()], MISMATCH],
    'the method in capitals': [modernCall, [version(), method('TOOLS/CALL'), name()], MISMATCH],
    'a method that begins so': [modernCall, [version(), method('tools/call2'), name()], MISMATCH],
    'an empty method': [modernCall, [version(), method(''), name()], MISMATCH],
    'a method encoded': [modernCall, [version(), method('=?base64?dG9vbHMvY2FsbA==?='), name()], MISMATCH],
    'another name': [modernCall, [version(), method(), name('read_file')], MISMATCH],
    'the name in another case': [modernCall, [version(), method(), name('hello')], MISMATCH],
    'a no-break space before the name': [modernCall, [version(), method(), name('\u00a0Hello')], MISMATCH],
    'a no-break space in UTF-8': [modernCall, [version(), method(), name('\u00c2\u00a0Hello')], MISMATCH],
    'a vertical tab after the name': [modernCall, [version(), method(), name('Hello\u000b')], MISMATCH],
    'an empty name': [modernCall, [version(), method(), name('')], MISMATCH],
    'a name in raw Latin-1': [
      request('tools/call', { name: '\u00e9' }),
      [version(), method(), name('\u00e9')],
      MISMATCH,
    ],
    'a uri': [
      request('resources/read', { uri: 'file:///etc/passwd' }),
      [version(), method('resources/read'), name('file:///pub')],
      MISMATCH,
    ],
    'a taskId': [
      request('tasks/get', { taskId: 't1' }),
      [version(), method('tasks/get'), name('t2')],
      MISMATCH,
    ],
    'a uri that the body does not name': [
      request('resources/subscribe'),
      [version(), method('resources/subscribe'), name('a:')],
      MISMATCH,
    ],
    'a uri that cannot be decoded, and none in the body': [
      request('resources/subscribe'),
      [version(), method('resources/subscribe'), name('=?base64?a?=')],
      MISMATCH,
    ],
    'a modern notification of another method': [
      modernNotification,
      [version(), method()],
      { code: -32020, id: undefined },
    ],
    'a modern notification of another version': [
      modernNotification,
      [version('2025-11-25')],
      { code: -32020, id: undefined },
    ],
    'a legacy request: another method': [legacyCall, [method('tools/list')], MISMATCH],
    'a legacy request: another name': [legacyCall, [version('2025-11-25'), name('read_file')], MISMATCH],
  },
  'a value that cannot be decoded (D31)': {
    'a character that is no base64': [
      modernCall,
      [version(), method(), name('=?base64?SGVs!!!bG8=?=')],
      MISMATCH,
    ],
    'no padding': [modernCall, [version(), method(), name('=?base64?SGVsbG8?=')], MISMATCH],
    'padding in the middle': [modernCall, [version(), method(), name('=?base64?SGVs=bG8=?=')], MISMATCH],
    'the URL alphabet': [
      request('tools/call', { name: '\u00fb\u00ff' }),
      [version(), method(), name('=?base64?w7vDv_==?=')],
      MISMATCH,
    ],
    'bits that no byte takes': [modernCall, [version(), method(), name('=?base64?SGVsbG9=?=')], MISMATCH],
    'bytes that are not UTF-8': [modernCall, [version(), method(), name('=?base64?/w==?=')], MISMATCH],
    'a byte order mark': [modernCall, [version(), method(), name('=?base64?77u/SGVsbG8=?=')], MISMATCH],
    'the marker in capitals is text': [
      modernCall,
      [version(), method(), name('=?BASE64?SGVsbG8=?=')],
      MISMATCH,
    ],
    'the marker without its end is text': [
      modernCall,
      [version(), method(), name('=?base64?SGVsbG8=')],
      MISMATCH,
    ],
    'the marker without its beginning is text': [
      modernCall,
      [version(), method(), name('SGVsbG8=?=')],
      MISMATCH,
    ],
    'a blank in it': [modernCall, [version(), method(), name('=?base64?SGVs bG8=?=')], MISMATCH],
  },
  'a field that comes twice (D32)': {
    'two names': [modernCall, [...all, name()], MISMATCH],
    'two names, the second another': [modernCall, [...all, name('x')], MISMATCH],
    'two methods': [modernCall, [...all, method()], MISMATCH],
    'two versions': [modernCall, [...all, version()], MISMATCH],
    'two versions, in other spellings': [
      modernCall,
      [...all, ['mcp-protocol-VERSION', '2026-07-28']],
      MISMATCH,
    ],
    'two names, of a legacy request': [legacyCall, [name(), name()], MISMATCH],
    'two session ids': [
      legacyCall,
      [
        ['Mcp-Session-Id', 'a'],
        ['Mcp-Session-Id', 'a'],
      ],
      MISMATCH,
    ],
    'two event ids': [
      legacyCall,
      [
        ['Last-Event-ID', '1'],
        ['Last-Event-ID', '1'],
      ],
      MISMATCH,
    ],
    'two names joined in one field': [modernCall, [version(), method(), name('Hello, Hello')], MISMATCH],
  },
  'modern fields and a legacy body (D33)': {
    'a request': [legacyCall, all, { code: -32602, id: '7' }],
    'a request with other _meta': [
      { ...legacyCall, params: { name: 'Hello', _meta: { progressToken: 1 } } },
      all,
      { code: -32602, id: '7' },
    ],
    ping: [{ jsonrpc: '2.0', id: 7, method: 'ping' }, [version()], { code: -32602, id: '7' }],
    initialize: [initialize, [version()], MISMATCH],
    'a response': [response, [version()], { code: -32600, id: undefined }],
  },
  'an unknown version (D34)': {
    'in field and body': [
      request('tools/call', { name: 'Hello' }, '2099-01-01'),
      [version('2099-01-01'), method(), name()],
      UNKNOWN_IN_BODY('2099-01-01'),
    ],
    'in the body alone': [
      request('tools/call', { name: 'Hello' }, '2099-01-01'),
      [],
      UNKNOWN_IN_BODY('2099-01-01'),
    ],
    'in the field alone': [legacyCall, [version('2099-01-01')], UNKNOWN('2099-01-01')],
    'a draft': [legacyCall, [version('DRAFT-2026-v1')], UNKNOWN('DRAFT-2026-v1')],
    'an empty field': [legacyCall, [version('')], UNKNOWN('')],
    'two in one field': [legacyCall, [version('2025-11-25, 2026-07-28')], UNKNOWN('2025-11-25, 2026-07-28')],
    'a legacy one where modern ones stand': [
      request('tools/call', { name: 'Hello' }, '2025-11-25'),
      [version('2025-11-25'), method(), name()],
      UNKNOWN_IN_BODY('2025-11-25'),
    ],
    'a long one is cut': [legacyCall, [version('2'.repeat(1000))], UNKNOWN('2'.repeat(64))],
    'with a notification': [
      notification,
      [version('2099-01-01')],
      { ...UNKNOWN('2099-01-01'), id: undefined },
    ],
    'with a response': [response, [version('2099-01-01')], { ...UNKNOWN('2099-01-01'), id: undefined }],
  },
  'a batch of another version (D27)': {
    ...Object.fromEntries(
      ['2025-06-18', '2025-11-25', '2026-07-28', '2024-11-05', '2099-01-01', ''].map((value) => [
        value === '' ? 'an empty version' : value,
        [[legacyCall], [version(value)], { code: -32600, id: undefined }],
      ]),
    ),
  },
};

for (const [group, rows] of Object.entries(refused)) {
  describe(`refused: ${group}`, () => {
    for (const [title, [message, fields, refusal]] of Object.entries(rows)) {
      it(title, () => assert.deepEqual(validate(message, fields), refusal));
    }
  });
}

describe('accepted', () => {
  const accepted: Record<string, [message: unknown, fields: Fields, era: 'legacy' | 'modern']> = {
    'all fields': [modernCall, all, 'modern'],
    'names of fields in any case': [
      modernCall,
      [
        ['mcp-protocol-version', '2026-07-28'],
        ['MCP-METHOD', 'tools/call'],
        ['mCp-NaMe', 'Hello'],
      ],
      'modern',
    ],
    'blanks around values': [
      modernCall,
      [version('  2026-07-28\t'), method('\ttools/call '), name('   Hello \t')],
      'modern',
    ],
    'a name in base64': [modernCall, [version(), method(), name('=?base64?SGVsbG8=?=')], 'modern'],
    'a name beyond ASCII in base64': [
      request('tools/call', { name: '\u00e9\u{1F600}' }),
      [version(), method(), name('=?base64?w6nwn5iA?=')],
      'modern',
    ],
    'a name with blanks around it in base64': [
      request('tools/call', { name: ' a ' }),
      [version(), method(), name('=?base64?IGEg?=')],
      'modern',
    ],
    'an empty name in base64': [
      request('tools/call', { name: '' }),
      [version(), method(), name('=?base64??=')],
      'modern',
    ],
    'a name that looks like half a marker': [
      request('tools/call', { name: '=?BASE64?SGVsbG8=?=' }),
      [version(), method(), name('=?BASE64?SGVsbG8=?=')],
      'modern',
    ],
    'a marker that is too short is text': [
      request('tools/call', { name: '=?base64?=' }),
      [version(), method(), name('=?base64?=')],
      'modern',
    ],
    'a method without a name needs no field for it': [
      request('tools/list'),
      [version(), method('tools/list')],
      'modern',
    ],
    'its name is not compared': [
      request('tools/list'),
      [version(), method('tools/list'), name('x')],
      'modern',
    ],
    'resources/subscribe needs none': [
      request('resources/subscribe', { uri: 'a:' }),
      [version(), method('resources/subscribe')],
      'modern',
    ],
    'resources/subscribe without a uri, for the server that does not have it': [
      request('resources/subscribe'),
      [version(), method('resources/subscribe')],
      'modern',
    ],
    'initialize that says it is modern, for the server to refuse': [
      request('initialize'),
      [version(), method('initialize')],
      'modern',
    ],
    'a notification without fields': [notification, [], 'legacy'],
    'a modern notification without fields': [modernNotification, [], 'modern'],
    'a notification with the modern version in its field': [notification, [version()], 'modern'],
    'a legacy request without a version': [legacyCall, [], 'legacy'],
    'initialize without a version': [initialize, [], 'legacy'],
    'a response without a version': [response, [], 'legacy'],
    ...Object.fromEntries(
      ['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].map((value) => [
        `a legacy request of ${value}`,
        [legacyCall, [version(value)], 'legacy'],
      ]),
    ),
    'a legacy request whose fields agree': [legacyCall, [method(), name()], 'legacy'],
    'a batch without a version': [[legacyCall, notification, response], [], 'legacy'],
    'a batch of 2025-03-26': [[legacyCall], [version('2025-03-26')], 'legacy'],
  };
  for (const [title, [message, fields, era]] of Object.entries(accepted)) {
    it(title, () => assert.equal(validate(message, fields), era));
  }
});

describe('a field that Connection names is not there', () => {
  it('a name', () => {
    assert.deepEqual(validate(modernCall, [...all, ['Connection', 'mcp-name']]), MISMATCH);
  });
  it('a version', () => {
    assert.equal(
      validate(legacyCall, [version('2099-01-01'), ['Connection', 'close, MCP-Protocol-Version']]),
      'legacy',
    );
  });
  it('nor does it come twice', () => {
    assert.equal(validate(legacyCall, [name(), name(), ['Connection', 'mcp-name']]), 'legacy');
  });
  it('a session is forwarded no more than it is validated', () => {
    const fields = headers.read([
      'Mcp-Session-Id',
      'a',
      'Last-Event-ID',
      '1',
      'Connection',
      'mcp-session-id, last-event-id',
    ]);
    assert.equal(fields.sessionId, undefined);
    assert.equal(fields.lastEventId, undefined);
    assert.equal(fields.forwarded + fields.sessionLines, '');
  });
});

it('a value without the marker stands for itself', () => {
  assert.equal(decodeFieldValue('a b'), 'a b');
  assert.equal(decodeFieldValue('=?base64?'), '=?base64?');
  assert.equal(decodeFieldValue('\u00e9'), undefined);
});
