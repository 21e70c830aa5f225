// The hosts that the platform allows the own authority to certify, as the environment has them: JSON, checked whole.
import { z } from 'zod';
import { isAddress, withoutBrackets } from '../protocol/host.ts';

/** All of them stand in the certificate of the authority, which every handshake of a client reads. */
const MOST_HOSTS = 200;

const NAME = /^(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SERVICE = /(^|\.)svc(\.cluster\.local)?$/;

/** A host in the spelling in which hosts of resources are compared; undefined where it is none. */
function canonical(text: string): string | undefined {
  const host = text.toLowerCase();
  if (host.startsWith('*.')) return NAME.test(host) ? host : undefined;
  const address = host.includes(':') ? `[${withoutBrackets(host)}]` : host;
  if (!URL.canParse(`https://${address}`)) return undefined;
  const { hostname } = new URL(`https://${address}`);
  const bare = withoutBrackets(hostname);
  if (bare !== withoutBrackets(host) && !host.includes(':')) return undefined; // 0x7f.1, bücher.example
  return isAddress(bare) || NAME.test(bare) ? bare : undefined;
}

const host = z.string().transform((text, context) => {
  const found = canonical(text);
  const problem =
    found === undefined
      ? 'is neither a host name in ASCII (xn-- for others), nor *. before one, nor an IP address'
      : SERVICE.test(found)
        ? 'is a name of Services, which belong to their servers'
        : undefined;
  if (found !== undefined && problem === undefined) return found;
  context.addIssue({ code: 'custom', message: `"${text}" ${problem}` });
  return z.NEVER;
});

const rules = z
  .array(
    z.strictObject({
      namespace: z.string().regex(/^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/, {
        error: ({ input }) => `"${String(input)}" is neither a namespace nor *`,
      }),
      hosts: z.array(host),
    }),
  )
  .refine((all) => new Set(all.flatMap(({ hosts }) => hosts)).size <= MOST_HOSTS, {
    error: `may have at most ${MOST_HOSTS} hosts`,
  });

/** `[{"namespace":"demo","hosts":["*.apps.example.com"]}]` */
export const certificateHosts = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(rules);
