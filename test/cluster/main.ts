// The command `npm run cluster -- ...`: parses its arguments and prints. cluster.ts does the work.
import * as cluster from './cluster.ts';
import { isProgram, programs, type Program } from './images.ts';
import { SettingError } from './provider.ts';
import { CommandError } from './run.ts';

const USAGE = `npm run cluster -- COMMAND

  up                           a Kubernetes cluster: by kind where Docker answers, else a real one-node cluster on this
                               Debian machine (root; the first time takes about 11 minutes)
  down                         removes it; what took long to make stays in the cache
  status                       what runs
  kubeconfig                   path of the kubeconfig
  environment                  lines for a shell: eval "$(npm run --silent cluster -- environment)"
  load [--tag TAG] [PROGRAM…]  builds images of this project and puts them on the node: ${programs().join(', ')}
  simulate N                   N simulated nodes (kwok) beside the real one; 0 removes them
  kill|start|restart COMPONENT ${cluster.COMPONENTS.join(', ')}
  compact                      makes etcd forget its history
  block|unblock ADDRESS [PORT] drops packets between the node and an address; unblock alone undoes all
  exec COMMAND…                runs a command in the node's network namespace

CLUSTER_PROVIDER=kind|bare chooses. docs/cluster.md tells more.
`;

class UsageError extends Error {}

const print = (...lines: string[]) => process.stdout.write(lines.map((line) => `${line}\n`).join(''));

function printEnvironment(): void {
  const { bin, variables } = cluster.provider();
  print(...Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`));
  if (bin) print(`export PATH='${bin}':"$PATH"`);
}

async function status(): Promise<void> {
  const { up, lines } = await cluster.provider().status();
  print(`provider ${cluster.provider().name}`, ...lines);
  if (up)
    print((await cluster.kubectl(['get', 'nodes', '--selector=type!=kwok', '--output=wide'])).trimEnd());
  else process.exitCode = 1;
}

async function load(args: readonly string[]): Promise<void> {
  const tagged = args[0] === '--tag';
  const names = tagged ? args.slice(2) : args;
  const tag = tagged ? args[1] : undefined;
  print(...(await cluster.load(names.length > 0 ? names.map(program) : undefined, tag)));
}

function program(name: string): Program {
  if (!isProgram(name)) throw new UsageError(`no program ${name}; there are: ${programs().join(', ')}`);
  return name;
}

function component(name: string | undefined): cluster.Component {
  const found = cluster.COMPONENTS.find((known) => known === name);
  if (!found)
    throw new UsageError(`no component ${name ?? 'given'}; there are: ${cluster.COMPONENTS.join(', ')}`);
  return found;
}

function count(text: string | undefined): number {
  if (!/^\d{1,4}$/.test(text ?? '')) throw new UsageError('simulate takes the number of nodes, 0 to 9999');
  return Number(text);
}

async function restart(name: cluster.Component): Promise<void> {
  if (name === 'kube-apiserver') return cluster.restartApiServer();
  await cluster.kill(name);
  await cluster.start(name);
}

async function main([command, ...args]: readonly string[]): Promise<void> {
  const [first, second] = args;
  const port = second === undefined ? undefined : Number(second);
  switch (command) {
    case 'up':
      await cluster.up();
      return printEnvironment();
    case 'down':
      return cluster.down();
    case 'status':
      return status();
    case 'kubeconfig':
      return void print(cluster.kubeconfig());
    case 'environment':
      return printEnvironment();
    case 'load':
      return load(args);
    case 'simulate':
      return cluster.simulate(count(first));
    case 'kill':
      return cluster.kill(component(first));
    case 'start':
      return first === 'kube-apiserver' ? cluster.startApiServer() : cluster.start(component(first));
    case 'restart':
      return restart(component(first));
    case 'compact':
      return void print(`compacted at revision ${await cluster.compactEtcd()}`);
    case 'block':
      if (!first) throw new UsageError('block takes an address, and a port');
      return cluster.block(first, port);
    case 'unblock':
      return cluster.unblock(first, port);
    case 'exec':
      if (!first) throw new UsageError('exec takes a command');
      return void process.stdout.write(await cluster.exec(first, args.slice(1)));
    default:
      throw new UsageError(USAGE);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const expected = [UsageError, SettingError, CommandError].some((known) => error instanceof known);
  process.stderr.write(
    `${error instanceof Error ? (expected ? error.message : error.stack) : String(error)}\n`,
  );
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
