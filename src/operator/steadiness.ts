// PURE: which report of a pod counts. A pod that falls ill counts as ill at once; one that does so again and again must stay
// well for longer each time before it counts as well, so that its answers cannot turn conditions to and fro without end.

/** Relapses longer ago than this are forgotten (milliseconds). */
const MEMORY_MS = 10 * 60_000;
/** Good reports in a row that a pod needs at most. At one in two seconds they take two minutes. */
const MOST_GOOD = 64;

export interface Course {
  /** Whether the report that counts is a good one. */
  readonly isWell: boolean;
  /** How often the pod fell ill lately, and when it did last (milliseconds). */
  readonly relapses: number;
  readonly relapsedAt: number;
  /** Good reports since the last bad one, while that one still counts. */
  readonly good: number;
}

/** A pod that was not heard of. */
export const UNKNOWN: Course = { isWell: false, relapses: 0, relapsedAt: -Infinity, good: 0 };

/** @param isGood what the newest report says @param now milliseconds. @returns the course, and whether that report counts */
export function next(course: Course, isGood: boolean, now: number): { course: Course; counts: boolean } {
  if (!isGood) return { course: fallenIll(course, now), counts: true };
  if (course.isWell) return { course, counts: true };
  const relapses = now - course.relapsedAt > MEMORY_MS ? 0 : course.relapses;
  const good = course.good + 1;
  const isWell = good >= Math.min(MOST_GOOD, 2 ** Math.max(0, relapses - 1));
  return { course: { ...course, relapses, isWell, good: isWell ? 0 : good }, counts: isWell };
}

function fallenIll(course: Course, now: number): Course {
  if (!course.isWell) return { ...course, good: 0 };
  const relapses = now - course.relapsedAt > MEMORY_MS ? 1 : course.relapses + 1;
  return { isWell: false, relapses, relapsedAt: now, good: 0 };
}
