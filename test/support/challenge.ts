// The sidecar's refusals to the letter: status, WWW-Authenticate in the one form that it has, body.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../kit/challenge.ts';
import type { Answer } from '../kit/http.ts';

/** Where the metadata of the test resource is, as challenges must name it. */
export const METADATA_URL = 'https://localhost:8001/.well-known/oauth-protected-resource/mcp';

/** The one form that every known client parser reads (RESOURCE_SERVER B16). */
const CHALLENGE =
  /^Bearer (?:error="[a-z_]+", )?(?:scope="[^"\\]*", )?resource_metadata="[^"\\]+"(?:, error_description="[^"\\]*")?$/;

/** What a refusal of the MCP endpoint can be. `none` is the challenge to a request without credentials. */
export type Refusal = 'none' | 'invalid_token' | 'invalid_request' | 'insufficient_scope';

const STATUS = { none: 401, invalid_token: 401, invalid_request: 400, insufficient_scope: 403 } as const;

/** The parameters of a Bearer challenge; fails for anything that is not exactly one in the agreed form. */
export function challengeParameters(header: string | undefined): Record<string, string> {
  assert.match(header ?? '', CHALLENGE);
  const [challenge] = parseChallenges([header ?? '']);
  return parametersOf(challenge ?? assert.fail('no challenge'));
}

export function assertRefused(answer: Answer, refusal: Refusal, scope = 'mcp:basic'): void {
  assert.equal(answer.status, STATUS[refusal], answer.body);
  const expected = { scope, resource_metadata: METADATA_URL };
  assert.deepEqual(
    challengeParameters(answer.headers['www-authenticate']),
    refusal === 'none' ? expected : { error: refusal, ...expected },
  );
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['content-type'], 'application/json');
  const { request_id: requestId, ...body } = JSON.parse(answer.body) as Record<string, unknown>;
  if (refusal === 'none') {
    assert.equal(answer.body, '{"error":"invalid_token","error_description":"Authentication required"}');
  } else {
    assert.equal(body.error, refusal);
    assert.equal(typeof requestId, 'string');
  }
}
