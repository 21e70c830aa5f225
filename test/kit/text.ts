// Texts at random, for property tests.
import fc from 'fast-check';

/** Code points, those of one byte often, and no halves of surrogate pairs. */
const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0xff }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((point) => String.fromCodePoint(point));

/** Any text: fast-check's `unit: 'binary'` but for its table of all code points, which takes most of a second to make. */
export function anyText(constraints: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ unit: character, ...constraints });
}
