// `npm run demo`: from an empty machine to a tool call through Keycloak in a cluster. Wiring only.
import { parseArgs } from 'node:util';
import { SettingError } from '../../test/cluster/provider.ts';
import { CommandError } from '../../test/cluster/run.ts';
import { LoginError } from '../../src/local/login/authorization-code.ts';
import { aborted, stopSignal } from '../../src/base/shutdown.ts';
import { MCP_URL, USER } from './names.ts';
import { DemoError, timedReport } from './report.ts';
import { checkPorts, fetchToken, forwardPorts, setUp } from './set-up.ts';
import { removal, summary, toolCallLines } from './summary.ts';
import { callEcho } from './tool-call.ts';

const HELP = `Usage: npm run demo [-- --once]

Sets up a cluster (kind, or a real one-node cluster on this machine), the operator, a Keycloak with a user, and a
protected echo server; logs in, calls a tool, and keeps https://localhost:8001 and :8443 open until Ctrl-C. What is there
already is left as it is: run it again at any time.

  --once   ends after the tool call; everything stays in the cluster
  --help
`;

/** What was given is wrong: exit code 2. */
class UsageError extends Error {}

const print = (text: string) => void process.stdout.write(text);

function readArguments(args: string[]) {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ args, options: { once: flag, help: { ...flag, short: 'h' } } }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function main(args: string[], stop: AbortSignal): Promise<void> {
  const { once, help } = readArguments(args);
  if (help) return print(HELP);
  const report = timedReport(print);

  await checkPorts();
  const { ca } = await setUp(report, stop);
  const forwards = await forwardPorts(report);
  try {
    report(`login: as ${USER}, by the authorization-code flow`);
    const token = await fetchToken(ca);
    report(`tool call: ${MCP_URL}`);
    for (const line of toolCallLines(await callEcho({ url: MCP_URL, token, ca }))) report(line);
    print(summary());
    print(removal());
    if (once) return;
    print('\nThe ports stay open until Ctrl-C.\n');
    await aborted(stop);
  } finally {
    await forwards.stop();
  }
}

const EXPECTED = [UsageError, DemoError, SettingError, CommandError, LoginError];
const stop = stopSignal();
main(process.argv.slice(2), stop).then(
  () => process.exit(0),
  (error: unknown) => {
    // Ctrl-C ends the commands under way; what they say about it is of no interest.
    if (stop.aborted) {
      print('\nStopped. What is in the cluster stays there; run it again to go on.\n');
      process.exit(130);
    }
    const known = EXPECTED.some((one) => error instanceof one);
    process.stderr.write(`demo: ${known ? (error as Error).message : String((error as Error).stack)}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
