// The kinds of fields that the configuration file is made of: tokens, names, URLs. Which fields there are is in config.ts.
import { z } from 'zod';
import { isLoopback } from '../../protocol/host.ts';
import { isReservedField } from './reserved-fields.ts';
import { SCOPE_TOKEN } from '../../protocol/oauth.ts';
import { canonicalResource, resourceProblems } from '../../protocol/resource-identifier.ts';

export const scopeToken = z
  .string()
  .regex(SCOPE_TOKEN, 'must be a scope token (RFC 6749 section 3.3)')
  .max(256);

/** RFC 9110 section 5.1: a field name is a token. */
export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'must be an HTTP field name')
  // A claim in one of these would decide where the message ends or who is asked; the CRD refuses more.
  .refine(
    (name) =>
      !/^(authorization|connection|content[-_]length|expect|host|te|trailer|transfer[-_]encoding|upgrade)$/i.test(
        name,
      ),
    'must not be a field that frames or routes the message',
  );

/** A name, or the beginning of names that ends in `-*` and says whose they are: `X-*` would be nearly all that there are. */
export const forwardedHeader = z
  .string()
  .max(128)
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|(?![Xx]-\*)[A-Za-z0-9]+(-[A-Za-z0-9]+)*-\*)$/,
    'must be a header name, or the beginning of names that ends in -*, such as X-Grafana-*',
  )
  .refine(
    (name) => !isReservedField(name.toLowerCase()),
    'must not be a header that says who the client is or where it comes from, or that HTTP or MCP give a meaning to',
  );

/** RFC 5646 section 2.1, the shapes that are in use: language, script, region, variants. */
export const languageTag = z
  .string()
  .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, 'must be a language tag (RFC 5646)');

/** OpenID Connect Core section 11: a refresh token is between client and authorization server. */
export const OFFLINE_ACCESS = 'offline_access';

const port = z.int().min(0).max(65535);
export const address = z.strictObject({ host: z.string().min(1), port });

/** RFC 9728 section 1.2 and RFC 8707 section 2: https, no fragment; and for us no user info and no query. */
export const resourceIdentifier = z
  .string()
  .superRefine((value, context) => {
    for (const problem of resourceProblems(value)) context.addIssue({ code: 'custom', message: problem });
  })
  .transform(canonicalResource);

export const httpsUrl = z.string().superRefine((value, context) => {
  if (!URL.canParse(value)) return context.addIssue({ code: 'custom', message: 'must be an absolute URL' });
  const url = new URL(value);
  if (url.protocol !== 'https:') context.addIssue({ code: 'custom', message: 'must start with https://' });
  if (url.username || url.password) context.addIssue({ code: 'custom', message: 'must not hold user info' });
  if (url.hash) context.addIssue({ code: 'custom', message: 'must not have a fragment' });
});

/** A page for people: may have a fragment. */
const pageUrl = z
  .string()
  .max(1024)
  .refine((value) => {
    if (!URL.canParse(value)) return false;
    const { protocol, username, password } = new URL(value);
    return protocol === 'https:' && username === '' && password === '';
  }, 'must be an https URL without user info');

/** What RFC 9728 section 2 lets a resource say in several languages. */
export const humanReadable = {
  resourceName: z.string().min(1).max(256).optional(),
  resourceDocumentation: pageUrl.optional(),
  resourcePolicyUri: pageUrl.optional(),
  resourceTosUri: pageUrl.optional(),
};

/** The server is reached on loopback only: the token is stripped before this hop and nothing authenticates it. */
export const upstreamUrl = z.string().superRefine((value, context) => {
  if (!URL.canParse(value)) return context.addIssue({ code: 'custom', message: 'must be an absolute URL' });
  const url = new URL(value);
  if (url.protocol !== 'http:') context.addIssue({ code: 'custom', message: 'must start with http://' });
  if (!isLoopback(url.hostname)) {
    context.addIssue({ code: 'custom', message: 'must be a loopback address (127.0.0.1, ::1 or localhost)' });
  }
  if (url.search || url.hash || url.username) {
    context.addIssue({ code: 'custom', message: 'must be scheme, host, port and path only' });
  }
});
