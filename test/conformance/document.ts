// docs/conformance.md, made of what runs have found: nothing in it is written by hand.
import { readFile, writeFile } from 'node:fs/promises';
import type { Outcome } from './runner.ts';

/** What `--report` writes. */
export interface Report {
  readonly target: { readonly name: string; readonly version: string };
  /** The day of the run, such as 2026-11-23. */
  readonly date: string;
  readonly sections: Readonly<Record<string, string>>;
  readonly cases: readonly ReportedCase[];
}

export interface ReportedCase {
  readonly section: string;
  readonly id: string;
  readonly level: string;
  readonly rule: string;
  readonly outcome: Outcome;
  readonly reason: string;
}

const PAGE = new URL('../../docs/conformance.md', import.meta.url);
/** Of one reason of a failure (characters). */
const REASON_LENGTH = 160;

const HEAD = `# Conformance

<!-- Written by \`npm run conformance -- --document\`; do not edit. -->

The [conformance suite](../test/conformance/README.md) judges resource servers in front of MCP servers from outside. It was
written for a sidecar, and holds others to the same rules. Levels are those of the sources; with ° the rule is our
derivation, and no source says it in so many words. One habit can fail several cases: an error named to who sent no
credentials (B2), for instance, fails every case that looks at that challenge.

What is not ours is set up as its documentation shows, in a server on TLS, and what passes its authorization goes to the
recording MCP server. A case that is not about a library inside a server is n/a, with the reason: duties of a proxy, the
MCP transport, features that it does not claim to have.

- \`fastmcp\`: RemoteAuthProvider with JWTVerifier (or IntrospectionTokenVerifier) and Host and Origin protection.
  JWTVerifier takes one algorithm, so it gets the first of those that a case configures.
- \`ts-sdk\`: requireBearerAuth, mcpAuthMetadataRouter and createMcpExpressApp of @modelcontextprotocol/express, with a
  verifier of jose: issuer, audience and algorithms. A verifier that demands more, the options \`typ\` and
  \`requiredClaims\` of jose for instance, fares better in section C.
`;

/** @param files what `--report` wrote, in the order of the columns; of one target, also the whole first and parts later */
export async function writeDocument(files: readonly string[]): Promise<void> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  await writeFile(PAGE, document(merged(texts.map((text) => JSON.parse(text) as Report))));
}

/** One for each target: what ran again replaces what it was before. */
function merged(reports: readonly Report[]): Report[] {
  const byTarget = new Map<string, Report>();
  for (const report of reports) {
    const before = byTarget.get(report.target.name)?.cases ?? report.cases;
    const again = new Map(report.cases.map((item) => [item.id, item]));
    const cases = before.map((item) => again.get(item.id) ?? item).map(unlessTimedOut);
    byTarget.set(report.target.name, { ...report, cases });
  }
  return [...byTarget.values()];
}

/** No verdict: the machine may have been too slow. */
function unlessTimedOut(item: ReportedCase): ReportedCase {
  return /^no end after \d+ s$/.test(item.reason) ? { ...item, outcome: 'broken' } : item;
}

function document(reports: readonly Report[]): string {
  const columns = reports.map(({ target, date }) => `${target.name} ${target.version}, ${date}`);
  const counts = (section: string) =>
    reports.map(({ cases }) => tally(cases.filter((item) => item.section === section)));
  const sections = Object.entries(reports[0]?.sections ?? {})
    .filter(([id]) => reports.some(({ cases }) => cases.some(({ section }) => section === id)))
    .map(([id, title]) => [`${id}. ${title}`, ...counts(id)]);
  const rows = [
    ['Section', ...columns],
    ['---', ...columns.map(() => '---')],
    ...sections,
    ['All', ...reports.map(({ cases }) => tally(cases))],
  ];
  const table = rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
  return `${HEAD}\n<!-- prettier-ignore -->\n${table}\n${reports.map(details).join('')}`;
}

function details({ target, date, cases }: Report): string {
  const having = (...outcomes: Outcome[]) => cases.filter(({ outcome }) => outcomes.includes(outcome));
  const parts = [
    list('What it fails', having('failed').map(line)),
    list('What could not be carried out', having('broken').map(line)),
    list('Pending', having('pending').map(line)),
    list('Not applicable', byReason(having('n/a'))),
  ];
  return `\n## ${target.name} ${target.version}, ${date}\n\n${tally(cases)}.\n${parts.join('')}`;
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${title}:\n\n<!-- prettier-ignore -->\n${lines.join('\n')}\n`;
}

function line({ id, level, rule, reason }: ReportedCase): string {
  const lines = reason.split('\n').filter((text) => text !== '' && !text.startsWith('+ actual'));
  // Alone, assert's own first line says nothing of what was seen.
  const seen = /^Expected values|did not match|:$/.test(lines[0] ?? '') ? lines.join(' ') : (lines[0] ?? '');
  const short = seen.length > REASON_LENGTH ? `${seen.slice(0, REASON_LENGTH)}…` : seen;
  return `- **${id}** ${level}: ${escaped(rule)}. Seen: ${code(short)}`;
}

function byReason(cases: readonly ReportedCase[]): string[] {
  const groups = Map.groupBy(cases, ({ reason }) => reason);
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(
      ([reason, group]) => `- ${group.length}: ${escaped(reason)} (${group.map(({ id }) => id).join(', ')})`,
    );
}

const WORDS: Readonly<Record<Outcome, string>> = {
  passed: 'passed',
  failed: 'failed',
  broken: 'not carried out',
  'n/a': 'n/a',
  pending: 'pending',
  unit: 'seen from inside',
};

function tally(cases: readonly ReportedCase[]): string {
  return (Object.keys(WORDS) as Outcome[])
    .flatMap((outcome) => {
      const { length } = cases.filter((item) => item.outcome === outcome);
      return length > 0 ? `${length} ${WORDS[outcome]}` : [];
    })
    .join(', ');
}

/** As text of Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[<>|*]|__/g, (special) => special.replaceAll(/./g, '\\$&'));
}

/** As code, whatever backticks are in it. */
function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}
