// What the operator makes of /status, whatever version of a sidecar, or whatever else, has written it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStatus } from '../../../src/operator/sidecar-status.ts';
import { ISSUER_ERROR_CODES } from '../../../src/protocol/sidecar-status.ts';
import { sidecarStatus } from '../../support/operator-inputs.ts';

const parse = (changes: object) => parseStatus(JSON.stringify({ ...sidecarStatus(), ...changes }));
const lastError = (value: unknown) =>
  parse({ issuers: [{ issuer: 'https://idp', keys: 0, lastError: value }] }).issuers[0]?.lastError;

describe('a status', () => {
  it('is what the sidecar wrote', () => {
    assert.deepEqual(parse({}), JSON.parse(JSON.stringify(sidecarStatus())));
  });

  it('keeps every code that the sidecar has', () => {
    for (const code of ISSUER_ERROR_CODES)
      assert.deepEqual(lastError({ code, message: 'm' }), { code, message: 'm' });
  });

  it('of an older sidecar, whose errors are bare texts, is read', () => {
    assert.deepEqual(lastError('GET u: status 503'), { code: 'unknown', message: 'GET u: status 503' });
  });

  it('of a newer sidecar is read: unknown codes are unknown, unknown members are dropped', () => {
    const error = { code: 'quota_exceeded', message: 'm', retryAt: 'soon' };
    assert.deepEqual(lastError(error), { code: 'unknown', message: 'm' });
    const status = parse({ mood: 'good', certificate: { notAfter: '2027-01-01T00:00:00Z', serial: '1' } });
    assert.ok(!('mood' in status));
    assert.deepEqual(status.certificate, { notAfter: '2027-01-01T00:00:00Z' });
  });

  it('holds texts that are cut and have no control characters', () => {
    const message = `\u001b[2J\r\n\u202e${'x'.repeat(10_000)}`;
    for (const error of [message, { code: 'timeout', message }])
      assert.match(lastError(error)?.message ?? '', /^\uFFFD\[2J\uFFFD\uFFFD\uFFFDx{505}$/);
  });
});

describe('what is no status is refused, with the field that is not valid', () => {
  const rows: [name: string, response: string, field: RegExp][] = [
    ['no JSON', 'hello', /not JSON$/],
    ['a list', '[]', /field \(root\)$/],
    ['no members', '{}', /field resource$/],
    [
      'keys that are no number',
      JSON.stringify({ ...sidecarStatus(), issuers: [{ issuer: 'x', keys: '1' }] }),
      /issuers\.0\.keys$/,
    ],
    [
      'fewer than no keys',
      JSON.stringify({ ...sidecarStatus(), issuers: [{ issuer: 'x', keys: -1 }] }),
      /issuers\.0\.keys$/,
    ],
    [
      'an error without a message',
      JSON.stringify({ ...sidecarStatus(), issuers: [{ issuer: 'x', keys: 0, lastError: { code: 'tls' } }] }),
      /issuers\.0\.lastError$/,
    ],
    [
      'a time that is none',
      JSON.stringify({ ...sidecarStatus(), certificate: { notAfter: 'soon' } }),
      /certificate\.notAfter$/,
    ],
    [
      'problems without end',
      JSON.stringify({ ...sidecarStatus(), problems: Array(33).fill('x') }),
      /problems$/,
    ],
  ];
  for (const [name, response, field] of rows)
    it(name, () => assert.throws(() => parseStatus(response), field));
});
