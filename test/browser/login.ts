// The authorization server as a person meets it in the browser: Keycloak's login page, or ours, which has the same form.
import assert from 'node:assert/strict';
import type { Page, Request } from 'playwright-core';
import type { Target } from './target.ts';

/** How the client came to its id. */
export type Client = 'given' | 'registered';

/** Fills in the form, and says yes where that is asked; the page then goes where the client wants it. */
export async function logIn(page: Page, { user, asksConsent }: Target, client: Client): Promise<void> {
  const form = page.locator('#kc-form-login');
  await form.locator('#username').fill(user.name);
  await form.locator('#password').fill(user.password);
  await form.locator('#kc-login').click();
  if (client === 'registered' && asksConsent)
    await page.locator('#kc-oauth').getByRole('button', { name: 'Yes' }).click();
}

/** What the client asks the authorization server for: the next page in any tab that is opened for it. */
export async function nextAuthorizationRequest(page: Page): Promise<URLSearchParams> {
  const isAuthorization = (request: Request) =>
    request.isNavigationRequest() && new URL(request.url()).searchParams.has('code_challenge');
  const request = await page.context().waitForEvent('request', isAuthorization);
  return new URL(request.url()).searchParams;
}

/** OAuth 2.1 with PKCE, for this resource (RFC 8707) and the scope that the sidecar names. */
export function assertAsks(asked: URLSearchParams, target: Target, client: Client): void {
  assert.equal(asked.get('response_type'), 'code');
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.equal(asked.get('resource'), target.url);
  assert.ok(asked.get('scope')?.split(' ').includes(target.scope), asked.get('scope') ?? 'no scope');
  const isGiven = asked.get('client_id') === target.clientId;
  assert.equal(isGiven, client === 'given', `it came as ${asked.get('client_id')}`);
}
