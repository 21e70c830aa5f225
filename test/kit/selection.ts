// Which rows of a long table run. The fast suite takes some of each kind; `npm run test:tables` takes all.

/** Whether every row runs, and what is repeated is repeated as often as it can be. */
export const EVERY_ROW = process.env['EVERY_ROW'] === '1';

/**
 * The rows to run, in the order of the table.
 * @param some the names of those that the fast suite takes
 * @throws Error when the table has no row of such a name
 */
export function selected<Row>(
  table: Readonly<Record<string, Row>>,
  some: readonly string[],
): [name: string, row: Row][] {
  const missing = some.filter((name) => !(name in table));
  if (missing.length > 0) throw new Error(`no rows ${missing.join(', ')}`);
  return Object.entries(table).filter(([name]) => EVERY_ROW || some.includes(name));
}
