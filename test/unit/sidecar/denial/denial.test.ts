// Every denial and its answer: the page that lists them is complete, and texts keep to the characters of RFC 6750.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ANSWERS, type Answer } from '../../../../src/sidecar/denial/answers.ts';
import type { ChallengeParameters } from '../../../../src/sidecar/denial/challenge.ts';
import { denialResponse, type Denial } from '../../../../src/sidecar/denial/denial.ts';
import { MESSAGE_ERRORS, messageError } from '../../../../src/sidecar/messages/message-errors.ts';

const PARAMETERS: ChallengeParameters = {
  resourceMetadata: 'https://mcp.example.test/.well-known/oauth-protected-resource/mcp',
  scopes: ['mcp:basic'],
  resource: 'https://mcp.example.test/mcp',
  dpop: undefined,
};

const reason = 'x';
/** One of each kind: `Record` makes a new kind an error here. */
const DENIALS: { readonly [Kind in Denial['kind']]: Extract<Denial, { kind: Kind }> } = {
  no_credentials: { kind: 'no_credentials' },
  invalid_request: { kind: 'invalid_request', reason },
  invalid_token: { kind: 'invalid_token', reason },
  invalid_dpop_proof: { kind: 'invalid_dpop_proof', reason },
  use_dpop_nonce: { kind: 'use_dpop_nonce' },
  insufficient_scope: { kind: 'insufficient_scope', scopes: ['mcp:basic', 'mcp:$&'] },
  keys_unavailable: { kind: 'keys_unavailable', reason },
  introspection_unavailable: { kind: 'introspection_unavailable', reason },
  metadata_unavailable: { kind: 'metadata_unavailable' },
  overloaded: { kind: 'overloaded', reason },
  too_many_failures: { kind: 'too_many_failures', seconds: 7 },
  content_too_large: { kind: 'content_too_large', maxBytes: 4_194_304 },
  header_fields_too_large: { kind: 'header_fields_too_large' },
  bad_request: { kind: 'bad_request', reason },
  message_refused: { kind: 'message_refused', reason: 'bad_name', error: messageError('bad_name', '7') },
  unsupported_media_type: { kind: 'unsupported_media_type', reason },
  session_not_found: { kind: 'session_not_found', reason },
  origin_not_allowed: { kind: 'origin_not_allowed' },
  misdirected: { kind: 'misdirected' },
  not_found: { kind: 'not_found' },
  method_not_allowed: { kind: 'method_not_allowed', allow: 'POST, GET' },
  loop_detected: { kind: 'loop_detected' },
  upstream_unreachable: { kind: 'upstream_unreachable', reason },
  mismatched_answer: { kind: 'mismatched_answer' },
  upstream_timeout: { kind: 'upstream_timeout' },
  draining: { kind: 'draining' },
  internal_error: { kind: 'internal_error' },
};

/** RFC 6750 section 3: %x20-21 / %x23-5B / %x5D-7E. */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

const { message_refused: _, ...tableDenials } = DENIALS;

function fieldOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.indexOf(name);
  return at < 0 ? undefined : headers[at + 1];
}

for (const denial of Object.values(tableDenials)) {
  it(`${denial.kind} is answered as the table says`, () => {
    const answer: Answer = ANSWERS[denial.kind];
    const { status, body, headers, requestId } = denialResponse(denial, PARAMETERS);
    const { error, error_description: text, request_id: id } = JSON.parse(body) as Record<string, string>;
    assert.equal(status, answer.status);
    assert.equal(error, answer.error);
    assert.match(text ?? '', DESCRIPTION);
    assert.doesNotMatch(text ?? '', /[{}]/, 'a value is missing');
    assert.equal(id, requestId);
    assert.equal(fieldOf(headers, 'WWW-Authenticate') !== undefined, answer.challenge !== undefined);
    assert.equal(fieldOf(headers, 'Retry-After') !== undefined, answer.isTemporary === true);
    assert.equal(fieldOf(headers, 'Content-Length'), String(Buffer.byteLength(body)));
  });

  it(`${denial.kind} is a JSON-RPC error exactly where the table says so`, () => {
    const { body } = denialResponse(denial, PARAMETERS, 'Bearer', '"a"');
    assert.equal(
      body.startsWith('{"jsonrpc":"2.0","id":"a",'),
      (ANSWERS[denial.kind] as Answer).isRpcError === true,
    );
  });
}

describe('the values in texts', () => {
  const rows: readonly (readonly [Denial, string])[] = [
    [DENIALS.insufficient_scope, 'Insufficient scope; required: mcp:basic mcp:$&'],
    [DENIALS.content_too_large, 'Request body exceeds 4194304 bytes'],
    [DENIALS.misdirected, 'Misdirected request; this server is https://mcp.example.test/mcp'],
    [DENIALS.method_not_allowed, 'Method not allowed; use POST, GET'],
  ];
  for (const [denial, text] of rows) {
    it(denial.kind, () => {
      const body = JSON.parse(denialResponse(denial, PARAMETERS).body) as Record<string, string>;
      assert.equal(body.error_description, text);
    });
  }
});

it('the body without credentials is the same, byte for byte', () => {
  const { body } = denialResponse(DENIALS.no_credentials, PARAMETERS);
  assert.equal(body, '{"error":"invalid_token","error_description":"Authentication required"}');
});

it('a refused message is a JSON-RPC error with its id', () => {
  const { status, body, requestId } = denialResponse(DENIALS.message_refused, PARAMETERS);
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), {
    jsonrpc: '2.0',
    id: 7,
    error: { code: -32602, message: 'params.name must be a string', data: { request_id: requestId } },
  });
});

describe('docs/errors.md', () => {
  const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
  /** The cells of all rows whose first cell is code. */
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'))
        .slice(1, -1),
    );
  const expected = [
    ...Object.entries<Answer>(ANSWERS).map(([kind, { status, error, text }]) => [
      kind,
      String(status),
      error,
      text,
    ]),
    ['message_refused', '400', 'JSON-RPC', 'see below'],
    ...Object.entries(MESSAGE_ERRORS).map(([name, { code, message }]) => [name, String(code), message]),
  ];

  for (const cells of expected) {
    it(`has ${cells[0]} as it is`, () => {
      const row = rows.find(([name]) => name === cells[0]);
      assert.deepEqual(row?.slice(0, cells.length), cells);
    });
  }

  it('has no other answers', () => {
    assert.deepEqual(rows.map(([name]) => name).sort(), expected.map(([name]) => name).sort());
  });

  it('has an explanation of every denial', () => {
    for (const row of rows.filter(({ length }) => length === 6))
      assert.ok(
        row.every((cell) => cell !== ''),
        row[0],
      );
  });
});
