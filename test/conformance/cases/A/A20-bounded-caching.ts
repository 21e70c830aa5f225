// A20: the metadata may be kept for a while, and not for ever.
import assert from 'node:assert/strict';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { NotApplicable, type Case } from '../../case.ts';

export const A20: Case = {
  id: 'A20',
  level: 'SHOULD',
  rule: 'The metadata may be cached, for an hour at the most; where it has an entity tag, who names it gets 304',
  source: 'RFC 9728 section 7.10; RFC 9110 sections 8.8.3 and 13.1.2',
  async run(bench) {
    const { headers } = await bench.get(bench.metadataPath);
    const directives = (headers['cache-control'] ?? '').split(/\s*,\s*/);
    const maxAge = directives.find((directive) => directive.startsWith('max-age='))?.slice('max-age='.length);
    const seen = `Cache-Control: came ${headers['cache-control'] ?? 'nothing'}, expected a max-age up to 3600`;
    assert.ok(Number(maxAge) > 0 && Number(maxAge) <= 3600, seen);
    assert.ok(!directives.includes('no-store'), seen);
    await bench.part(() => checkTag(bench));
  },
};

/** A tag is not demanded; one that is there must work (RFC 9110 sections 8.8.3 and 13.1.2). */
async function checkTag(bench: Bench): Promise<void> {
  const whole = await bench.get(bench.metadataPath);
  const tag = whole.headers.etag;
  if (tag === undefined) throw new NotApplicable('its metadata has no entity tag');
  const opaque = tag.replace(/^W\//, '');
  assert.match(opaque, /^"[\x21\x23-\x7E]*"$/, 'the entity tag');
  const ask = (condition: string) =>
    bench.get(bench.metadataPath, { headers: { 'If-None-Match': condition } });
  const same = { 'the tag': tag, 'a weak one': `W/${opaque}`, 'in a list': `"x, y", ${opaque}`, any: '*' };
  await each(same, async (condition) => {
    const answer = await ask(condition);
    assert.equal(answer.status, 304, 'status');
    assert.equal(answer.body, '', 'the body of 304');
    assert.equal(answer.headers.etag, tag, 'ETag of 304');
    assert.equal(answer.headers['cache-control'], whole.headers['cache-control'], 'Cache-Control of 304');
  });
  const others = {
    another: '"x"',
    'without quotes': opaque.slice(1, -1),
    longer: `${opaque.slice(0, -1)}x"`,
  };
  await each(others, async (condition) => {
    const answer = await ask(condition);
    assert.equal(answer.status, 200, 'status');
    assert.equal(answer.body, whole.body, 'the document');
  });
}
