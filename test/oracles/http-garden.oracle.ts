// What servers and proxies were found to read differently (narfindustries/http-garden: trophies and anomalies), and
// variations on it: refused, or read as our own strict server reads it; and what follows is served only behind a request
// whose end is beyond doubt.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FramingBed } from './framing.ts';
import { GARDEN } from './payloads.ts';

/** Most of the time is spent waiting for connections to end. */
const AT_ONCE = 6;

let bed: FramingBed;
before(async () => {
  bed = await FramingBed.start();
});
after(() => bed.stop());

for (const [title, payloads] of GARDEN) {
  describe(title, { concurrency: AT_ONCE }, () => {
    for (const [name, shape, reading = 'refused'] of payloads)
      it(`${name}: ${reading}`, () => bed.check(shape, reading));
  });
}

describe('of all of them', () => {
  it('there are more than a hundred', () => {
    assert.ok(GARDEN.flatMap(([, payloads]) => payloads).length > 100);
  });

  it('nothing came to the server that is not one request with one reading', () => {
    assert.deepEqual(bed.server.malformed, []);
  });

  it('none came to the server but those that were answered', () => {
    assert.equal(bed.server.messages.length, bed.answered);
  });
});
