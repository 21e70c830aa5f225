// Whether the operator can use cert-manager: its kind is served, and the chart has granted the right to it.
import type { Logger } from '../base/log.ts';
import type { Client } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import { CERTIFICATES } from './kinds.ts';

/**
 * Asks for one Certificate at most. Discovery alone would not do: the kind may be served without a right to it, and a
 * cache of it would then never be filled. Installed later, cert-manager is seen after the next start of the operator.
 */
export async function canUseCertManager(
  client: Pick<Client, 'list'>,
  namespace: string | undefined,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await client.list(CERTIFICATES, { namespace, most: 1, signal });
    return true;
  } catch (err) {
    if (!isNotFound(err) && !isForbidden(err))
      log.warn({ err }, 'cert-manager not detected, continuing without it');
    return false;
  }
}
