// More than 100 000 mutants of good tokens and good requests: what is accepted means what it says, to every reader.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { RequestHeaders } from '../../src/sidecar/http/request-headers.ts';
import { validateHeaders } from '../../src/sidecar/messages/header-agreement.ts';
import { NAMED, readBody, type Message } from '../../src/sidecar/messages/message.ts';
import { AUDIENCE, base64Url, signCompact, signingKey, type SigningKey } from '../kit/issuer.ts';
import { ISSUER, AuthenticatorBed } from '../support/authenticator-bed.ts';
import { INITIALIZE, legacy, modern, VERSION_KEY, type SentMessage } from '../kit/messages.ts';
import { mutate, mutation, SEED, Tally } from './mutations.ts';
import { ALL_PICKS, FIRST, LAST, readJson, type Json, type Pick } from './readings.ts';

const TOKENS = 25_000; // of each algorithm
const SIGNED = 15_000;
const REQUESTS = 50_000;

process.stdout.write(`FC_SEED=${SEED} repeats these mutants\n`);

type Change = (authorization: string) => string;

/** Applies a change to one of the three parts. */
function inPart(part: number, change: (text: string) => string): Change {
  return (authorization) => {
    const parts = authorization.split('.');
    const text = parts[part];
    if (text === undefined) return authorization;
    parts[part] = part === 0 ? text.replace(/[^ ]*$/, change) : change(text);
    return parts.join('.');
  };
}

const inBytes = (part: number, change: (bytes: Buffer) => Uint8Array): Change =>
  inPart(part, (text) => base64Url(change(Buffer.from(text, 'base64url'))));

/** Puts members in front: a header or claims that say more, or say it twice. */
const withMembers = (part: number, members: string): Change =>
  inBytes(part, (bytes) => Buffer.from(`{${members}${bytes.toString('latin1').slice(1)}`, 'latin1'));

const HEADER_MEMBERS = [
  ...['"alg":"none",', '"alg":"HS256",', '"alg":"ES384",', '"Alg":"none",', '"kid":"k2",', '"kid":null,'],
  ...['"crit":["exp"],', '"b64":false,', '"jku":"https://evil.test/",', '"typ":"at+jwt",', '"typ":1,', ' '],
];
const CLAIMS_MEMBERS = [
  ...[
    '"iss":"https://evil.test",',
    '"aud":"x",',
    '"aud":[],',
    '"exp":1,',
    '"exp":"9999999999",',
    '"exp":1e999,',
  ],
  ...[
    '"nbf":9999999999,',
    '"iat":9999999999,',
    '"sub":"root",',
    '"sub":"",',
    '"Sub":"root",',
    '"\\u0073ub":"x",',
  ],
  ...['"__proto__":{"sub":"root"},', '"scope":"admin",', '"cnf":{"jkt":"x"},', '"typ":"Refresh",', ' '],
];

/** The order of P-256: with (r, s), (r, n - s) is a signature of the same bytes. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function otherSignature(signature: Buffer): Buffer {
  const s = BigInt(`0x${signature.toString('hex', 32)}`);
  const other = (ORDER - s).toString(16).padStart(64, '0');
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(other, 'hex')]);
}

function changes(key: SigningKey, stranger: SigningKey): fc.Arbitrary<Change> {
  const part = fc.nat({ max: 2 });
  const place = fc.nat({ max: 2_000 });
  const secrets = [
    key.publicKey.export({ type: 'spki', format: 'pem' }),
    key.publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify(key.jwk),
    '',
  ];
  const text = mutation([...'AZaz09-_.=+/ ,\t~%', '..', '==', '\0', '\u0130', 'Bearer ', 'DPoP ']);
  const signed: Change[] = [
    // With the public key as a secret; by an attacker whose key the header brings along; as signatures that are none.
    ...secrets.map((secret): Change => (t) => {
      const input = `${base64Url('{"alg":"HS256","kid":"k1"}')}.${t.split('.')[1] ?? ''}`;
      return `Bearer ${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    }),
    (t) => {
      const header = JSON.stringify({ alg: stranger.alg, kid: 'k1', jwk: stranger.jwk });
      return `Bearer ${signCompact(header, Buffer.from(t.split('.')[1] ?? '', 'base64url'), stranger)}`;
    },
    inBytes(2, (bytes) => Buffer.alloc(bytes.length)),
    inBytes(2, (bytes) => Buffer.alloc(bytes.length, 0xff)),
    inBytes(2, (bytes) => Buffer.from(ORDER.toString(16).repeat(Math.ceil(bytes.length / 32)), 'hex')),
    inBytes(2, (bytes) => Buffer.concat([bytes, Buffer.of(0)])),
    inBytes(2, (bytes) => Buffer.concat([Buffer.of(0), bytes])),
    inPart(2, () => ''),
    (t) => t.replace(/^bearer/i, (scheme) => scheme.toUpperCase()),
    (t) => t.replace(' ', '   '),
  ];
  if (key.alg === 'ES256')
    signed.push(inBytes(2, (bytes) => (bytes.length === 64 ? otherSignature(bytes) : bytes)));
  return fc.oneof(
    { weight: 4, arbitrary: text.map((change) => (t: string) => mutate(t, [change])) },
    {
      weight: 3,
      arbitrary: fc.tuple(part, place, fc.nat({ max: 7 })).map(([p, at, bit]) =>
        inBytes(p, (bytes) => {
          if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << bit;
          return bytes;
        }),
      ),
    },
    // Other spellings of the same bytes: the bits that no byte takes, padding, the other alphabet.
    fc
      .tuple(part, fc.constantFrom(...'ABCDEFGHwxyz0189-_'))
      .map(([p, char]) => inPart(p, (t) => t.slice(0, -1) + char)),
    fc.tuple(part, fc.constantFrom('=', '==', '\n', '%3D', 'A')).map(([p, end]) => inPart(p, (t) => t + end)),
    part.map((p) => inPart(p, (t) => t.replaceAll('-', '+').replaceAll('_', '/'))),
    fc.constantFrom(...HEADER_MEMBERS).map((members) => withMembers(0, members)),
    fc.constantFrom(...CLAIMS_MEMBERS).map((members) => withMembers(1, members)),
    fc.tuple(part, part).map(
      ([from, to]) =>
        (t: string) =>
          inPart(to, () => t.split('.')[from] ?? '')(t),
    ),
    { weight: 2, arbitrary: fc.constantFrom(...signed) },
  );
}

for (const algorithm of ['RS256', 'ES256'] as const) {
  describe(`mutants of a token signed with ${algorithm}`, () => {
    let key: SigningKey;
    let stranger: SigningKey;
    let bed: AuthenticatorBed;
    before(async () => {
      [key, stranger] = await Promise.all([signingKey('k1', algorithm), signingKey('k1', algorithm)]);
      bed = new AuthenticatorBed(key);
      await bed.keys.start();
    });
    after(() => bed.stop());

    it('none is accepted that says or is signed otherwise', async (t) => {
      const token = bed.token(key);
      const equals = [token];
      if (algorithm === 'ES256') equals.push(inBytes(2, otherSignature)(token));
      const tally = new Tally();
      await fc.assert(
        fc.asyncProperty(fc.array(changes(key, stranger), { minLength: 1, maxLength: 3 }), async (list) => {
          const mutant = list.reduce((current, change) => change(current), `Bearer ${token}`);
          fc.pre(mutant !== `Bearer ${token}`);
          const verdict = await bed.verdictOn(mutant);
          if (verdict !== 'ok') return void tally.refused++;
          tally.accepted++;
          // The scheme in any case and more than one space (RFC 9110 section 11.4), and the token itself.
          const [, accepted] = /^bearer +([^ ]+)$/i.exec(mutant) ?? [];
          assert.ok(accepted !== undefined && equals.includes(accepted), mutant);
        }),
        { numRuns: TOKENS, seed: SEED },
      );
      assert.equal(await bed.verdict(token), 'ok', 'and it is still good itself');
      assert.ok(tally.refused > TOKENS / 2 && tally.accepted > 0, tally.line);
      t.diagnostic(tally.line);
    });
  });
}

describe('mutants that the issuer itself has signed', () => {
  let key: SigningKey;
  let bed: AuthenticatorBed;
  before(async () => {
    key = await signingKey('k1', 'ES256');
    bed = new AuthenticatorBed(key);
    await bed.keys.start();
  });
  after(() => bed.stop());

  /** What must be so, in one parser's reading, of every token that is accepted. */
  function assertGood(header: Json, claims: Json, pick: Pick): void {
    const now = bed.now / 1000;
    const claim = (name: string) => pick(claims, name);
    assert.equal(pick(header, 'alg'), 'ES256');
    assert.ok([undefined, 'k1'].includes(pick(header, 'kid') as string | undefined));
    assert.deepEqual([pick(header, 'crit'), pick(header, 'b64')], [undefined, undefined]);
    assert.equal(claim('iss'), ISSUER);
    assert.ok([claim('aud')].flat().includes(AUDIENCE));
    const [expiry, subject] = [claim('exp'), claim('sub')];
    assert.ok(typeof expiry === 'number' && Number.isFinite(expiry) && expiry > now - 5);
    assert.ok(typeof subject === 'string' && subject !== '');
    for (const name of ['nbf', 'iat']) {
      const start = claim(name);
      assert.ok(start === undefined || (typeof start === 'number' && start <= now + 5));
    }
  }

  it('none is accepted that is not good in every reading', async (t) => {
    const [header, claims] = bed
      .token(key)
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString()) as [string, string];
    const pieces = [
      'null',
      '1e999',
      '"',
      ',',
      '{',
      '}',
      '[',
      ']',
      '\\',
      '\\u0000',
      '\ufeff',
      '\xff',
      ' ',
      '0',
      '-',
    ];
    const change = (members: readonly string[]) =>
      fc.array(mutation([...members, ...pieces]), { maxLength: 2 });
    const tally = new Tally();
    await fc.assert(
      fc.asyncProperty(
        change(HEADER_MEMBERS),
        change(CLAIMS_MEMBERS),
        fc.constantFrom('', ...HEADER_MEMBERS),
        fc.constantFrom('', ...CLAIMS_MEMBERS),
        fc.constantFrom('utf8' as const, 'latin1' as const),
        async (inHeader, inClaims, headerMember, claimsMember, encoding) => {
          const mutants = [
            mutate(`{${headerMember}${header.slice(1)}`, inHeader),
            mutate(`{${claimsMember}${claims.slice(1)}`, inClaims),
          ].map((text) => Buffer.from(text, encoding)) as [Buffer, Buffer];
          fc.pre(mutants[0].toString() !== header || mutants[1].toString() !== claims);
          const verdict = await bed.verdict(signCompact(...mutants, key));
          if (verdict !== 'ok') return void tally.refused++;
          tally.accepted++;
          const [readHeader, readClaims] = mutants.map((bytes) => readJson(bytes.toString())) as [Json, Json];
          for (const pick of [FIRST, LAST]) assertGood(readHeader, readClaims, pick);
        },
      ),
      { numRuns: SIGNED, seed: SEED },
    );
    assert.ok(tally.refused > 0 && tally.accepted > 0, tally.line);
    t.diagnostic(tally.line);
  });
});

describe('mutants of requests of both eras', () => {
  const headers = new RequestHeaders({ claimToHeaders: [], forwardOriginalToken: false }, 'test');
  const good: readonly SentMessage[] = [
    modern('tools/call', { name: 'read_file', arguments: { a: [1, { b: 'c' }] } }),
    modern('resources/read', { uri: 'file:///a' }),
    modern('tasks/get', { taskId: 't' }, { id: 'x' }),
    modern('tools/list'),
    INITIALIZE,
    legacy('tools/call', { name: 'read_file', _meta: { progressToken: 1 } }, 's'),
    legacy('completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: {} }),
    { body: '{"jsonrpc":"2.0","id":3,"result":{"text":"\u00e9\u{1F600}"}}', headers: {} },
    { body: '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}', headers: {} },
    { body: `[${legacy('tools/list').body},${legacy('ping').body}]`, headers: {} },
  ];
  const inBody = mutation([
    ...['{', '}', '[', ']', '"', ':', ',', '\\', '\\u0061', '\\ud800', '\u017f', '\ufeff', '\0', ' ', '\xff'],
    ...[
      '"name":"b",',
      '"Name":"b",',
      '"uri":"b",',
      '"method":"x",',
      '"Method":"x",',
      '"params":{},',
      '"_meta":{},',
    ],
    ...[
      '"id":9,',
      '"jsonrpc":"2.0",',
      '"\\u0069d":2,',
      '"result":{},',
      'null',
      '1e999',
      '"__proto__":{"name":"x"},',
    ],
    ...[`"${VERSION_KEY}":"2025-11-25",`, '[[', ']]', '{}', '"param\u017f":{},', '12345678901234567890'],
  ]);
  const NAMES = [
    'MCP-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
    'mcp-name',
    'MCP_NAME',
    'Mcp-Session-Id',
    'X',
  ];
  const VALUES = [
    '2026-07-28',
    '2025-11-25',
    '2025-03-26',
    'tools/call',
    'ping',
    'read_file',
    ' read_file\t',
    'file:///a',
  ];
  const SENTINELS = [
    '=?base64?cmVhZF9maWxl?=',
    '=?base64?cmVhZF9maWxl=?=',
    '=?BASE64?cmVhZF9maWxl?=',
    '=?base64?dA==?=',
    '',
  ];
  type Lines = readonly (readonly [name: string, value: string])[];
  const place = fc.nat({ max: 9 });
  const value = fc.constantFrom(...VALUES, ...SENTINELS);
  type LinesChange = (lines: Lines) => Lines;
  const line = fc.tuple(fc.constantFrom(...NAMES), value);
  /** Another value for one line. */
  const revalue =
    (at: number, change: (value: string) => string): LinesChange =>
    (lines) =>
      lines.map(([name, old], i) => [name, i === at ? change(old) : old]);
  const inLines = fc.oneof<fc.Arbitrary<LinesChange>[]>(
    line.map((added) => (lines) => [...lines, added]),
    line.map((added) => (lines) => [added, ...lines]),
    place.map((at) => (lines) => lines.filter((_, i) => i !== at)),
    fc.tuple(place, value).map(([at, text]) => revalue(at, () => text)),
    fc.constantFrom(...NAMES).map((name) => (lines) => [...lines, ['Connection', name]]),
    fc
      .tuple(place, mutation(['=?base64?', '?=', ' ', '\t', 'A', ',', '\xe9']))
      .map(([at, change]) => revalue(at, (old) => mutate(old, [change]))),
  );

  /** What every parser must read out of an accepted message. */
  function assertOneReading(message: Message, value: Json): void {
    for (const pick of ALL_PICKS) {
      assert.equal(pick(value, 'jsonrpc'), '2.0');
      assert.equal(pick(value, 'method') ?? '', message.method);
      assert.equal(pick(value, 'id') === undefined, message.id === undefined);
      const params = pick(value, 'params');
      const field = NAMED.get(message.method);
      if (field !== undefined) assert.equal(pick(params, field), message.name);
      if (message.kind !== 'response')
        assert.equal(pick(pick(params, '_meta'), VERSION_KEY), message.version);
      assert.deepEqual(pick(value, 'id'), LAST(value, 'id'));
    }
  }

  const decoded = (text: string) => {
    const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(text) ?? [];
    return encoded === undefined ? text : Buffer.from(encoded, 'base64').toString();
  };

  /** The lines that go on must confirm the message, each once. */
  function assertConfirmed(message: Message, era: string, forwarded: string): void {
    const field = (name: string) => {
      const values = forwarded
        .split('\r\n')
        .filter((line) => line.toLowerCase().startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).replace(/^[ \t]+|[ \t]+$/g, ''));
      assert.ok(values.length <= 1, `${name} goes on twice`);
      return values[0];
    };
    const [version, method, name] = ['mcp-protocol-version', 'mcp-method', 'mcp-name'].map(field);
    const isCall = message.kind !== 'response';
    if (isCall && method !== undefined) assert.equal(method, message.method);
    if (isCall && name !== undefined && NAMED.has(message.method)) assert.equal(decoded(name), message.name);
    if (message.version !== undefined && version !== undefined) assert.equal(version, message.version);
    if (era === 'legacy') assert.notEqual(version, '2026-07-28');
    if (era !== 'modern' || message.kind !== 'request') return;
    assert.deepEqual([version, method], [message.version, message.method]);
    if (NAMED.has(message.method) && !message.method.endsWith('subscribe')) assert.notEqual(name, undefined);
  }

  it('none is accepted that has two readings, or fields that say otherwise', (t) => {
    const tally = new Tally();
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(inBody, { maxLength: 3 }),
        fc.array(inLines, { maxLength: 2 }),
        fc.constantFrom('utf8' as const, 'latin1' as const),
        (sent, bodyChanges, lineChanges, encoding) => {
          const bytes = Buffer.from(mutate(sent.body, bodyChanges), encoding);
          const before = Object.entries(sent.headers);
          const lines = lineChanges.reduce<Lines>((all, change) => change(all), before);
          fc.pre(bytes.toString() !== sent.body || lines.join('\n') !== before.join('\n'));
          const reading = readBody(bytes);
          if (!reading.ok) return void tally.refused++;
          const { body } = reading;
          if (body.latin1 !== undefined) assert.ok(Buffer.from(body.latin1, 'latin1').equals(bytes));
          const fields = headers.read(lines.flat());
          const agreement = validateHeaders(body, fields);
          if (!agreement.ok) return void tally.refused++;
          tally.accepted++;
          const value = readJson(bytes.toString());
          const values = body.isBatch ? (value as readonly Json[]) : [value];
          assert.equal(values.length, body.messages.length);
          body.messages.forEach((message, i) => assertOneReading(message, values[i]!));
          if (!body.isBatch) assertConfirmed(body.messages[0]!, agreement.era, fields.forwarded);
        },
      ),
      { numRuns: REQUESTS, seed: SEED },
    );
    assert.ok(tally.refused > 0 && tally.accepted > 0, tally.line);
    t.diagnostic(tally.line);
  });
});
