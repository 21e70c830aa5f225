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
  /** Why parts of it could not be tested. */
  readonly untested: readonly string[];
}

const PAGE = new URL('../../docs/conformance.md', import.meta.url);
/** Of one reason of a failure (characters). */
const REASON_LENGTH = 240;

const HEAD = `# Conformance

<!-- Written by \`npm run conformance -- --document\`; do not edit. -->

The [conformance suite](../test/conformance/README.md) tests resource servers in front of MCP servers from outside. It was
written for a sidecar, and holds others to the same rules. Levels are those of the sources; with ° the rule is our
derivation, and no source says it in so many words. Of a failed case the first variant that failed is shown, with what
came and what was expected, and the number of the others. A part of a case that a target has no such thing for is not
tested, and named; the others count.

What is not ours is set up as its documentation shows, with the options that a careful user would set, in a server on TLS;
what passes its authorization goes to the recording MCP server, with the subject of the token. A case that is not about a
library inside a server is n/a, with the reason: duties of a proxy, the MCP transport, the HTTP server under it, features
that it does not claim to have. Section C holds tokens to RFC 9068, the profile of JWT access tokens, which no library here
says to implement.

- \`sidecar\`: a process with a configuration file of its own for each configuration that a case needs.
- \`ts-sdk\`: requireBearerAuth, mcpAuthMetadataRouter and createMcpExpressApp (with \`allowedHosts\` and
  \`allowedOrigins\`) of @modelcontextprotocol/express. The token is verified by jose, with its options \`issuer\`, \`audience\`,
  \`algorithms\`, \`clockTolerance\`, \`requiredClaims\` (exp, sub, client_id, iat, jti; exp and sub in a compat profile) and
  \`typ\` (at+jwt; none in a compat profile), and all keys of one id are tried, as its documentation shows; times of its key
  set as they are by default. Not set: \`maxTokenAge\`, which would also refuse an \`iat\` of the future (C45), and
  \`expectedResource\`, since jose compares the audience. Keys that cannot be had are an error of the server, every other
  error a bad token. Not tested: how the verifier, which is the application's, reads scopes. Paths that are not the
  endpoint's get a plain 404.
- \`fastmcp\`: RemoteAuthProvider with JWTVerifier (or IntrospectionTokenVerifier), inside a MultiAuth that requires the
  scopes: so a shortfall is 403 insufficient_scope, where \`required_scopes\` of JWTVerifier would make it 401 invalid_token
  (B9). Authorization servers are \`AnyHttpUrl\`, as its documentation has them; its constructor adds the slash of A11. Host
  and Origin protection with the public name and the allowed origins; uvicorn without its access log. All scopes at first
  (F6) by \`get_challenge_scopes\`, the hook for it. JWTVerifier takes one algorithm, so it gets the first of those that a
  case configures; it has no options for \`typ\`, required claims or leeway.
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
    list(
      'What it passes but for a part that was not tested',
      having('passed').flatMap((item) => (item.untested.length > 0 ? partly(item) : [])),
    ),
    list('What could not be carried out', having('broken').map(line)),
    list('Pending', having('pending').map(line)),
    list('Not applicable', byReason(having('n/a'))),
  ];
  return `\n## ${target.name} ${target.version}, ${date}\n\n${tally(cases)}.\n${parts.join('')}`;
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${title}:\n\n<!-- prettier-ignore -->\n${lines.join('\n')}\n`;
}

function line({ id, level, rule, reason, untested }: ReportedCase): string {
  const [first = '', ...others] = reason.split('\n').filter((text) => text !== '');
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const parts = untested.length > 0 ? `; not tested in part: ${escaped(untested.join('; '))}` : '';
  return `- **${id}** ${level}: ${escaped(rule)}. Seen: ${code(shortened(first))}${more}${parts}`;
}

function partly({ id, level, rule, untested }: ReportedCase): string {
  return `- **${id}** ${level}: ${escaped(rule)}. Not tested in part: ${escaped(untested.join('; '))}`;
}

/** Ends with a whole word. */
function shortened(text: string): string {
  return text.length > REASON_LENGTH ? `${text.slice(0, REASON_LENGTH).replace(/\s+\S*$/, '')} …` : text;
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
