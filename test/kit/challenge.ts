// Reads WWW-Authenticate as RFC 9110 section 11.6.1 defines it. Strict: what it cannot read, no client should have to.
import assert from 'node:assert/strict';

interface Challenge {
  readonly scheme: string;
  /** In order; names in lower case. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`);
const SCHEME = new RegExp(`^(${TOKEN})(?:[ ]+(?=${TOKEN}\\s*=)|(?=\\s*(?:,|$)))`);

/** The challenges of all field lines, in order. Fails for what is not a list of challenges. */
export function parseChallenges(lines: readonly string[]): Challenge[] {
  const challenges: { scheme: string; parameters: [string, string][] }[] = [];
  let rest = lines.join(', ').trim();
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest);
    const current = challenges.at(-1);
    if (parameter !== null && current !== undefined) {
      const [whole, name = '', quoted, token = ''] = parameter;
      current.parameters.push([name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token]);
      rest = rest.slice(whole.length);
    } else {
      const scheme = SCHEME.exec(rest);
      if (scheme === null)
        assert.fail(`not a challenge (RFC 9110 section 11.6.1): ${JSON.stringify(lines)} at "${rest}"`);
      challenges.push({ scheme: scheme[1] ?? '', parameters: [] });
      rest = rest.slice(scheme[0].length);
    }
    rest = rest.replace(/^\s*(?:,\s*)*/, '');
  }
  return challenges;
}

/** The parameters of one challenge as an object. Fails where a name comes twice. */
export function parametersOf({ parameters }: Challenge): Record<string, string> {
  const names = parameters.map(([name]) => name);
  assert.equal(new Set(names).size, names.length, `a parameter comes twice: ${names.join(', ')}`);
  return Object.fromEntries(parameters);
}
