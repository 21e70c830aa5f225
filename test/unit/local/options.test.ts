// The command line of local mode: one row for each thing that it takes, and one for each that it refuses.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_FILE, parseOptions, USAGE, type LocalOptions } from '../../../src/local/options.ts';

const DEFAULTS: LocalOptions = {
  files: [DEFAULT_FILE],
  upstream: undefined,
  issuer: undefined,
  name: undefined,
  adminPort: undefined,
  render: false,
  help: false,
};

const ISSUER = 'https://idp.example.com/realms/my-realm';
const ISSUER_OPTIONS = { issuer: ISSUER, audience: 'a', scopes: [], caFile: undefined };

describe('options taken', () => {
  const rows: { name: string; args: string[]; gives: Partial<LocalOptions> }[] = [
    { name: 'nothing: the sample', args: [], gives: {} },
    { name: 'files, in their order', args: ['b.yaml', 'a.yaml'], gives: { files: ['b.yaml', 'a.yaml'] } },
    {
      name: 'files between options',
      args: ['--render', 'a.yaml'],
      gives: { files: ['a.yaml'], render: true },
    },
    {
      name: 'a file whose name looks like an option, after --',
      args: ['--', '--a'],
      gives: { files: ['--a'] },
    },
    { name: '--name', args: ['--name', 'echo'], gives: { name: 'echo' } },
    { name: '--name=', args: ['--name=echo'], gives: { name: 'echo' } },
    { name: '--help', args: ['--help'], gives: { help: true } },
    { name: '-h', args: ['-h'], gives: { help: true } },
    { name: '--admin-port', args: ['--admin-port', '9100'], gives: { adminPort: 9100 } },
    { name: 'the highest port', args: ['--admin-port', '65535'], gives: { adminPort: 65535 } },
    ...[
      'http://127.0.0.1:3000/mcp',
      'http://127.0.0.2:3000/',
      'http://localhost:3000/a/b',
      'http://[::1]:3000/mcp',
      'http://127.0.0.1:3000',
    ].map((url) => ({
      name: `--upstream ${url}`,
      args: ['--upstream', url],
      gives: { upstream: new URL(url) },
    })),
    {
      name: '--issuer with --audience',
      args: ['--issuer', ISSUER, '--audience', 'a'],
      gives: { issuer: ISSUER_OPTIONS },
    },
    {
      name: '--issuer with all that goes with it, --scope several times',
      args: ['--issuer', ISSUER, '--audience', 'a', '--scope', 'x', '--scope', 'y', '--ca-file', 'ca.pem'],
      gives: { issuer: { ...ISSUER_OPTIONS, scopes: ['x', 'y'], caFile: 'ca.pem' } },
    },
  ];
  for (const { name, args, gives } of rows) {
    it(name, () => {
      assert.deepEqual(parseOptions(args), { ok: true, options: { ...DEFAULTS, ...gives } });
    });
  }
});

describe('options refused', () => {
  const rows: { name: string; args: string[]; problems: RegExp[] }[] = [
    { name: 'an unknown option', args: ['--colour'], problems: [/^Unknown option '--colour'$/] },
    { name: 'an unknown letter', args: ['-x'], problems: [/^Unknown option '-x'$/] },
    { name: 'no value', args: ['--name'], problems: [/^Option '--name <value>' argument missing$/] },
    {
      name: 'a value where none belongs',
      args: ['--render=yes'],
      problems: [/^Option '--render' does not take an argument$/],
    },
    ...['x', '', '-1', '65536', '80.5', '0x50', ' 80', '1e3'].map((port) => ({
      name: `--admin-port "${port}"`,
      args: [`--admin-port=${port}`],
      problems: [/^--admin-port .*: must be a number/],
    })),
    // The sidecar takes 0 for any free port, and local mode would look for it on port 0 until it gives up.
    { name: '--admin-port 0', args: ['--admin-port', '0'], problems: [/^--admin-port 0: must be a number/] },
    ...[
      'example.com',
      'http://example.com:3000/mcp',
      'http://10.0.0.1:3000/mcp',
      'http://127.0.0.1.example.com:3000/mcp',
      'http://localhost.example.com:3000/mcp',
      'https://127.0.0.1:3000/mcp',
      'http://127.0.0.1/mcp',
      'http://127.0.0.1:3000/mcp?a=b',
      'http://127.0.0.1:3000/mcp#a',
      'http://user:password@127.0.0.1:3000/mcp',
      'ftp://127.0.0.1:3000/mcp',
    ].map((url) => ({
      name: `--upstream ${url}`,
      args: ['--upstream', url],
      problems: [
        /^--upstream .*: must be an http:\/\/ URL with a port on this machine, such as http:\/\/127\.0\.0\.1:3000\/mcp$/,
      ],
    })),
    { name: '--issuer alone', args: ['--issuer', ISSUER], problems: [/^--issuer requires --audience/] },
    ...['idp.example.com', 'http://idp.example.com/realms/a', 'https://', `${ISSUER}?a=b`, `${ISSUER}#a`].map(
      (issuer) => ({
        name: `--issuer ${issuer}`,
        args: ['--issuer', issuer, '--audience', 'a'],
        problems: [/^--issuer .*https:\/\//],
      }),
    ),
    { name: '--audience alone', args: ['--audience', 'a'], problems: [/^--audience requires --issuer$/] },
    {
      name: 'everything wrong at once',
      args: ['--upstream', 'x', '--admin-port', 'y', '--scope', 's', '--ca-file', 'f', '--audience', 'a'],
      problems: [/^--upstream x/, /^--admin-port y/, /^--audience/, /^--scope/, /^--ca-file/],
    },
  ];
  for (const { name, args, problems } of rows) {
    it(name, () => {
      const parsed = parseOptions(args);
      assert.ok(!parsed.ok, 'was taken');
      assert.equal(parsed.problems.length, problems.length, parsed.problems.join('\n'));
      for (const [index, pattern] of problems.entries()) assert.match(parsed.problems[index] ?? '', pattern);
    });
  }
});

it('the usage names every option', () => {
  for (const name of [
    'upstream',
    'issuer',
    'audience',
    'scope',
    'ca-file',
    'name',
    'admin-port',
    'render',
    'help',
  ]) {
    assert.match(USAGE, new RegExp(`^  --${name} `, 'm'));
  }
  assert.ok(USAGE.includes(DEFAULT_FILE));
});
