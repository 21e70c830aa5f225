// The resource identifier (RFC 9728 section 1.2): its rules, its one canonical spelling, its parts. How it is served is not here.

/**
 * Scheme, host and port of an http(s) URL, and the rest as it is written. No user info. ASCII hosts only: lower case in
 * Unicode would make one host of two.
 */
const HTTP_URL = /^(https?):\/\/([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?((?:[/?#].*)?)$/is;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** An http(s) URL in its canonical spelling: the origin normalized, the rest as it was written. */
interface CanonicalUrl {
  /** Scheme and host in lower case, no default port. */
  readonly origin: string;
  /** Path, query and fragment, untouched; may be empty. */
  readonly rest: string;
}

/** `undefined` for what is no http(s) URL with an ASCII host, or has user info. */
export function canonicalUrl(url: string): CanonicalUrl | undefined {
  const [, scheme = '', host = '', port, rest = ''] = HTTP_URL.exec(url) ?? [];
  if (host === '') return undefined;
  const name = scheme.toLowerCase();
  const isDefault = port === undefined || port === DEFAULT_PORTS[name];
  return { origin: `${name}://${host.toLowerCase()}${isDefault ? '' : `:${port}`}`, rest };
}

/**
 * MCP "Canonical Server URI". Clients compare it byte for byte (RFC 9728 section 3.3), so `URL.href` will not do: it adds
 * a slash to `https://host`. What has no canonical spelling stays as it is.
 */
export function canonicalResource(resource: string): string {
  const url = canonicalUrl(resource);
  return url === undefined ? resource : url.origin + url.rest;
}

/** Every rule of RFC 9728 section 1.2 and RFC 8707 section 2 that a value breaks; user info and queries are refused too. */
export function resourceProblems(value: string): string[] {
  if (!URL.canParse(value)) return ['must be an absolute URL'];
  const url = new URL(value);
  const problems: string[] = [];
  if (url.protocol !== 'https:') problems.push('must start with https:// (RFC 9728 section 1.2)');
  if (value.includes('#')) problems.push('must not have a fragment (RFC 9728 section 1.2)');
  if (value.includes('?')) problems.push('must not have a query (RFC 9728 section 1.2)');
  if (url.username || url.password) problems.push('must not hold user info');
  if (problems.length === 0 && !HTTP_URL.test(value))
    problems.push('must have a host name in ASCII, or an IP address, after https://');
  return problems;
}

/** The origin of a canonical resource identifier, which is how it is written up to its path. */
export function originOf(resource: string): string {
  const slash = resource.indexOf('/', 'https://'.length);
  return slash < 0 ? resource : resource.slice(0, slash);
}

/** The path of a canonical resource identifier as it is written: empty for an origin. `URL` would add a slash. */
export function pathOf(resource: string): string {
  return resource.slice(originOf(resource).length);
}
