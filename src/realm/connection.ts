// The way to Keycloak: wait until it answers, log in, and stay logged in. Reads and writes nothing of a realm.
import KeycloakAdminClient from '@keycloak/keycloak-admin-client';
import { isFilledText, isObject } from '../protocol/json.ts';
import { complaintOf, connectionFailure, RealmError, reasonOf, statusOf } from './failure.ts';
import type { AdminCredentials, Settings } from './settings.ts';

/** How often it is asked for while waiting, and how long each time (milliseconds). */
export interface Probes {
  readonly everyMs: number;
  readonly timeoutMs: number;
}

const PROBES: Probes = { everyMs: 2_000, timeoutMs: 5_000 };

interface Waiting {
  readonly url: string;
  /** The administrator's realm: it answers when the database is there. */
  readonly realm: string;
  readonly waitSeconds: number;
  /** Called when the reason for waiting is a new one. */
  readonly onWait: (reason: string) => void;
  readonly probes?: Probes | undefined;
}

/**
 * Returns when Keycloak answers for the administrator's realm. Its `/health/ready` would be on another port, which many
 * installations do not expose.
 * @throws RealmError when the time is over, or at once when waiting would not help
 */
export async function waitUntilReady(waiting: Waiting): Promise<void> {
  const { url, realm, waitSeconds, onWait, probes = PROBES } = waiting;
  const begun = Date.now();
  let reason: string | undefined;
  for (;;) {
    const next = await whyNotReady({ url, realm, timeoutMs: probes.timeoutMs });
    if (next === undefined) return;
    const waited = Date.now() - begun;
    const rest = waitSeconds * 1000 - waited;
    if (rest <= 0) {
      const tried = `gave up after ${Math.round(waited / 1000)} s (keycloak.waitSeconds)`;
      throw new RealmError('ERR_UNREACHABLE', `cannot reach Keycloak at ${url}: ${tried}: ${next}`);
    }
    if (next !== reason) onWait(next);
    reason = next;
    await new Promise((resolve) => setTimeout(resolve, Math.min(probes.everyMs, rest)));
  }
}

/** Undefined when it is. */
async function whyNotReady({
  url,
  realm,
  timeoutMs,
}: {
  url: string;
  realm: string;
  timeoutMs: number;
}): Promise<string | undefined> {
  const address = `${url.replace(/\/$/, '')}/realms/${encodeURIComponent(realm)}`;
  let answer: Response;
  let body: string;
  try {
    answer = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    body = await answer.text();
  } catch (error) {
    const failure = connectionFailure(url, error);
    if (failure.code === 'ERR_CERTIFICATE') throw failure;
    return reasonOf(error);
  }
  if (answer.ok) return undefined;
  if (answer.status === 404 && isKeycloakError(body))
    throw new RealmError('ERR_CONFIG', `keycloak.admin.realm: Keycloak at ${url} has no realm "${realm}"`);
  return `GET ${address} returned ${answer.status}`;
}

/** Keycloak names its errors in JSON; a gateway before it, which answers 404 while Keycloak starts, does not. */
function isKeycloakError(body: string): boolean {
  try {
    const answer: unknown = JSON.parse(body);
    return isObject(answer) && isFilledText(answer.error);
  } catch {
    return false;
  }
}

/**
 * A client that is logged in. No request takes longer than the configured time, and none follows a redirect: the
 * library would send the password on.
 */
export async function logIn({ config, admin }: Settings): Promise<KeycloakAdminClient> {
  const { url, requestTimeoutSeconds, admin: place } = config.keycloak;
  const client = new KeycloakAdminClient({
    baseUrl: url.replace(/\/$/, ''),
    realmName: place.realm,
    timeout: requestTimeoutSeconds * 1000,
    requestOptions: { redirect: 'error' },
  });
  const authenticate = async () => {
    try {
      await client.auth(admin.grantType === 'password' ? { ...admin, clientId: 'admin-cli' } : admin);
    } catch (error) {
      throw loginFailure(error, { url, realm: place.realm, admin });
    }
  };
  await authenticate();
  // The library's own renewal needs a refresh token, which a service account does not get. A token lasts a minute.
  client.registerTokenProvider({
    getAccessToken: async () => {
      if (client.isTokenExpired()) await authenticate();
      return client.accessToken;
    },
  });
  return client;
}

interface Login {
  readonly url: string;
  readonly realm: string;
  readonly admin: AdminCredentials;
}

/** RFC 6749 section 5.2: a wrong password is 401 or 400 with invalid_grant; a wrong secret 401. */
function loginFailure(error: unknown, { url, realm, admin }: Login): RealmError {
  const status = statusOf(error);
  if (status === undefined) return connectionFailure(url, error);
  const who = admin.grantType === 'password' ? `user "${admin.username}"` : `client "${admin.clientId}"`;
  const what = `login to realm ${realm} at ${url} as ${who} failed: ${complaintOf(error)}`;
  if (status !== 400 && status !== 401) return new RealmError('ERR_REFUSED', what, { cause: error });
  const advice = 'check the Secret behind the files in keycloak.admin';
  return new RealmError('ERR_CREDENTIALS', `${what}; ${advice}`, { cause: error });
}
