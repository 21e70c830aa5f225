// Hosts as URLs, sockets and certificates write them: which are IP addresses, which are this machine. Resolves no name.
import { isIP } from 'node:net';

/** `URL.hostname` puts IPv6 addresses in brackets (RFC 3986 section 3.2.2); sockets, certificates and `isIP` do not. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** The host as it stands in a URL: an IPv6 address in brackets. */
export function withBrackets(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** Whether a host, without brackets, is an IP address: certificates have another field for those than for names. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

/**
 * Whether a host, with or without brackets, is this machine: `localhost`, 127.0.0.0/8 or ::1 (RFC 6761 section 6.3, RFC
 * 1122 section 3.2.1.3, RFC 4291 section 2.5.3). Other spellings, such as ::ffff:127.0.0.1, are not: deny by default.
 */
export function isLoopback(host: string): boolean {
  const bare = withoutBrackets(host);
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/** RFC 9110 section 7.2: `uri-host [ ":" port ]`, of names and addresses in ASCII. */
const HOST_FIELD = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;

/** The host of a `Host` field in lower case, without its port; `undefined` for what is no such value. */
export function hostOfField(value: string): string | undefined {
  return HOST_FIELD.exec(value)?.[1]?.toLowerCase();
}
