// The TypeScript SDK's own bearer middleware and metadata router on Express, with a verifier made of jose.
import { readFileSync } from 'node:fs';
import type { Needs } from '../needs.ts';
import { EXEMPT, lacks, startInProcess } from './in-process.ts';
import type { Target } from './target.ts';

const PACKAGES = new URL('../../../node_modules/', import.meta.url);
const PROGRAM = new URL('ts-sdk-server.ts', import.meta.url).pathname;
const CLOCK = new URL('moved-clock.ts', import.meta.url).href;

function versionOf(name: string): string {
  const text = readFileSync(new URL(`${name}/package.json`, PACKAGES), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const EXEMPT_HERE: ReadonlyMap<string, string> = new Map([
  ['C25', 'how scopes are read from a token is left to the application’s verifier'],
  ['D1', 'its routes are Express’s, which ignores case; what it serves so needs the token too'],
  ['F1', 'its metadata router always serves this document, for older clients; there is no option'],
]);

function supports(needs: Needs): string | undefined {
  if (needs.clockSkewSeconds !== undefined)
    return 'its middleware allows no leeway after exp, whatever the verifier does';
  if (needs.secondIssuer) return 'its metadata router takes one authorization server';
  if (needs.introspection) return 'introspection is left to the application’s verifier';
  if (needs.initialScopes === 'All') return 'its challenge names the required scopes only';
  if (needs.resourcePolicyUri !== undefined || needs.resourceTosUri !== undefined)
    return 'its metadata router publishes no policy and no terms';
  return lacks(needs);
}

export const target: Target = {
  name: 'ts-sdk',
  version: `${versionOf('@modelcontextprotocol/express')}, jose ${versionOf('jose')}, express ${versionOf('express')}`,
  supports,
  exempts: (id) => EXEMPT_HERE.get(id) ?? EXEMPT.get(id),
  start: (setup) =>
    startInProcess(setup, {
      program: process.execPath,
      args: ['--import', CLOCK, PROGRAM],
      env: {},
      clock: 'messages',
    }),
};
