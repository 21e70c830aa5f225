// C44: what goes wrong inside ends in a refusal. Faults cannot be injected from outside.
import type { Case } from '../../case.ts';

export const C44: Case = {
  id: 'C44',
  level: 'MUST°',
  rule: 'An internal error during verification ends in 5xx, and nothing is forwarded',
  source: 'OWASP ASVS, fail securely; RFC 9110 section 15.6.1',
  provenBy: 'test/unit/sidecar/authentication/authenticate.test.ts',
};
