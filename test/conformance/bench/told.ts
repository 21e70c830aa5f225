// Says in one line what a failed assertion saw: what came, and what was expected. assert's own messages are pages of diff.
import type { AssertionError } from 'node:assert';
import { inspect } from 'node:util';

/** Of one string that was seen (characters). */
const SEEN_LENGTH = 120;

type Told = (actual: unknown, expected: unknown) => string;

const TOLD: Readonly<Record<string, Told>> = {
  strictEqual: cameInstead,
  deepStrictEqual: difference,
  partialDeepStrictEqual: difference,
  notStrictEqual: (actual) => `came ${shown(actual)}`,
  match: (actual, pattern) => `came ${shown(actual)}, expected a match of ${String(pattern)}`,
  doesNotMatch: (actual, pattern) => `came ${shown(actual)}, which matches ${String(pattern)}`,
};

/** One line; more than one only where the message already lists several variants. */
export function told({ message, generatedMessage, operator, actual, expected }: AssertionError): string {
  // The list of `each`, told already.
  if ((operator as string | undefined) === undefined) return message;
  const seen = TOLD[operator]?.(actual, expected);
  if (seen === undefined) return withoutTokens(oneLine(message));
  // Below the words of the case Node adds its own.
  return withoutTokens(generatedMessage ? seen : `${message.split('\n', 1)[0]}: ${seen}`);
}

/** A value as it is written, short, whatever it is. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const options = { breakLength: Infinity, compact: true, maxStringLength: SEEN_LENGTH, maxArrayLength: 12 };
  return oneLine(inspect(value, options));
}

function cameInstead(actual: unknown, expected: unknown): string {
  return `came ${shown(actual)}, expected ${shown(expected)}`;
}

/** Of two objects the members that differ; whatever else, whole. */
function difference(actual: unknown, expected: unknown): string {
  if (!isObject(actual) || !isObject(expected)) return cameInstead(actual, expected);
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  const members = names.flatMap((name) =>
    shown(actual[name]) === shown(expected[name])
      ? []
      : [`${name} ${cameInstead(actual[name], expected[name])}`],
  );
  return members.length === 0 ? cameInstead(actual, expected) : members.join('; ');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}

/** What is told is published; a token that is good for minutes is not. */
function withoutTokens(text: string): string {
  return text.replaceAll(/eyJ[\w-]{8,}(?:\.[\w-]*)*/g, 'eyJ…');
}
