// How many servers may change at once when the operator brings a new version, as the environment has it: `5` or `10%`.
import { z } from 'zod';

/** A number of servers, or a share of all. */
export type MaxConcurrent =
  { readonly unit: 'servers'; readonly value: number } | { readonly unit: 'percent'; readonly value: number };

const FORM = /^([1-9][0-9]{0,4})(%?)$/;

/** Never 0: then nothing would be brought up to date, and nothing said why. */
export const maxConcurrent = z.string().transform((text, context): MaxConcurrent => {
  const [, digits, percent] = FORM.exec(text) ?? [];
  const value = Number(digits);
  if (digits !== undefined && percent === '') return { unit: 'servers', value };
  if (digits !== undefined && value <= 100) return { unit: 'percent', value };
  const message = `"${text}" must be a number of servers, 1 or more, or a percentage from 1% to 100%`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** Percentages are rounded down, as for `maxUnavailable` of a Deployment; at least 1. @param of how many there are */
export function limitOf({ unit, value }: MaxConcurrent, of: number): number {
  return Math.max(1, unit === 'percent' ? Math.floor((of * value) / 100) : value);
}
