// Mutations of texts, and how many were made: properties share them, and the seed.
import fc from 'fast-check';

/** `FC_SEED` repeats a run. */
export const SEED = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31));

export interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

/** Somewhere, a few characters go and others come: from `pieces`, or any. */
export function mutation(pieces: readonly string[]): fc.Arbitrary<Mutation> {
  return fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
    insert: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 2 })),
  });
}

export function mutate(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce((current, { at, remove, insert }) => {
    const position = Math.floor(at * (current.length + 1));
    return current.slice(0, position) + insert + current.slice(position + remove);
  }, text);
}

/** What became of the mutants of one property. */
export class Tally {
  accepted = 0;
  refused = 0;

  get line(): string {
    return `${this.accepted + this.refused} mutants: ${this.refused} refused, ${this.accepted} accepted and equivalent`;
  }
}
