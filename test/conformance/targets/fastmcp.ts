// FastMCP with its own authorization (RemoteAuthProvider and JWTVerifier), as its documentation sets it up.
import { readFileSync } from 'node:fs';
import { FASTMCP_VERSION, python } from '../../fastmcp/python.ts';
import type { Needs } from '../needs.ts';
import { EXEMPT, lacks, startInProcess } from './in-process.ts';
import type { Target } from './target.ts';

const REQUIREMENTS = new URL('../../fastmcp/requirements.txt', import.meta.url);
const SCRIPT = new URL('fastmcp-server.py', import.meta.url).pathname;
/** No questions, no colours; a directory without anyone's settings. */
const QUIET = { FASTMCP_CHECK_FOR_UPDATES: 'off', FASTMCP_ENV_FILE: '/nonexistent', NO_COLOR: '1' };

function pinned(name: string): string {
  return new RegExp(`^${name}==(\\S+)`, 'm').exec(readFileSync(REQUIREMENTS, 'utf8'))?.[1] ?? '';
}

function supports(needs: Needs): string | undefined {
  if (needs.clockSkewSeconds !== undefined) return 'JWTVerifier has no leeway for clocks that can be set';
  if (needs.resourcePolicyUri !== undefined || needs.resourceTosUri !== undefined)
    return 'RemoteAuthProvider publishes no policy and no terms';
  return lacks(needs);
}

export const target: Target = {
  name: 'fastmcp',
  version: `${FASTMCP_VERSION}, joserfc ${pinned('joserfc')}, uvicorn ${pinned('uvicorn')}`,
  whyOneAlgorithm: 'JWTVerifier takes one algorithm',
  supports,
  exempts: (id) => EXEMPT.get(id),
  start: async (setup) => {
    const { program } = await python();
    return startInProcess(setup, { program, args: [SCRIPT], env: QUIET, clock: 'input' });
  },
};
