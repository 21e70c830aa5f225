// Finds the cases: one file each, cases/<section>/<id>-<rule>.ts, with one export that is named by the id.
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import type { Case } from './case.ts';

export interface Selection {
  /** Ids; all when empty. */
  readonly only: readonly string[];
  /** Section letters; all when empty. */
  readonly sections: readonly string[];
}

/** All cases that are selected, by section and number. @throws for a file that is not named as it should be */
export async function loadCases({ only, sections }: Selection): Promise<Case[]> {
  const cases: Case[] = [];
  for (const file of globSync('cases/*/*.ts', { cwd: import.meta.dirname })) {
    const id = /^([A-Z]\d+)-[a-z0-9-]+\.ts$/.exec(basename(file))?.[1];
    if (id === undefined) throw new Error(`${file}: the name must be <id>-<rule>.ts`);
    if (only.length > 0 && !only.includes(id)) continue;
    if (sections.length > 0 && !sections.includes(sectionOf(id))) continue;
    const module = (await import(`./${file}`)) as Record<string, Case | undefined>;
    const found = module[id];
    if (found?.id !== id) throw new Error(`${file}: must export a case named ${id} with this id`);
    cases.push(found);
  }
  const twice = cases.find(({ id }, index) => cases.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw new Error(`two files for ${twice.id}`);
  return cases.sort((a, b) => compareIds(a.id, b.id));
}

export function sectionOf(id: string): string {
  return id.charAt(0);
}

function compareIds(a: string, b: string): number {
  return sectionOf(a) === sectionOf(b)
    ? Number(a.slice(1)) - Number(b.slice(1))
    : sectionOf(a).localeCompare(sectionOf(b));
}
