// Under which names this server answers: the check of `Host` that stops DNS rebinding.
import { hostOfField } from '../../protocol/host.ts';
import type { SidecarConfig } from '../config/config.ts';
import { boundedMemo } from '../http/memo.ts';

/** `Host` values whose answer is remembered. */
const MAX_KNOWN_HOSTS = 64;

/**
 * A test for the value of a `Host` field: one of this server's names, on any port (a NodePort or a port-forward changes the port,
 * an attacker who rebinds DNS cannot change the name).
 */
export function hostPolicy(
  config: Pick<SidecarConfig, 'resource' | 'publicHosts'>,
): (host: string) => boolean {
  const names = new Set([
    new URL(config.resource).hostname,
    ...config.publicHosts.map((name) => name.toLowerCase()),
  ]);
  return boundedMemo(MAX_KNOWN_HOSTS, (host) => {
    const name = hostOfField(host);
    return name !== undefined && names.has(name);
  });
}

/** Whether the value of a `Host` field is one at all (RFC 9112 section 3.2). */
export function isHost(host: string | undefined): boolean {
  return host !== undefined && hostOfField(host) !== undefined;
}
