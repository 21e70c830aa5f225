// What was done, or would be, as lines of the Job's log. Shows only managed fields, so never a password.
import type { FieldChange } from './differences.ts';

type Action = 'create' | 'update';

export class Report {
  readonly #print: (line: string) => void;
  readonly #dryRun: boolean;
  readonly #counts = { create: 0, update: 0, keep: 0 };

  constructor({ print, dryRun }: { print: (line: string) => void; dryRun: boolean }) {
    this.#print = print;
    this.#dryRun = dryRun;
  }

  /** Something was written, or would be. */
  changed(action: Action, what: string, changes: readonly FieldChange[]): void {
    this.#counts[action]++;
    const fields = changes.map((change) => fieldLine(action, change));
    if (this.#dryRun) {
      this.#print(`would ${action} ${what}`);
      for (const field of fields) this.#print(`    ${field}`);
    } else {
      this.#print(`${action}d ${what}${action === 'update' ? `: ${fields.join('; ')}` : ''}`);
    }
  }

  /** Something is as it should be. */
  kept(): void {
    this.#counts.keep++;
  }

  /** The last line. */
  summary(realm: string): void {
    const { create, update, keep } = this.#counts;
    const [created, updated] = this.#dryRun ? ['to create', 'to update'] : ['created', 'updated'];
    this.#print(
      create + update === 0
        ? `realm ${realm}: no changes, ${keep} parts up to date`
        : `realm ${realm}: ${create} ${created}, ${update} ${updated}, ${keep} unchanged`,
    );
  }
}

function fieldLine(action: Action, { path, from, to }: FieldChange): string {
  const after = show(to);
  return `${path.join('.')}: ${action === 'create' ? after : `${show(from)} -> ${after}`}`;
}

function show(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}
