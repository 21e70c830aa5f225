// B13: a challenge for a scope that does not help makes clients ask for it again and again.
import type { Case } from '../../case.ts';

export const B13: Case = {
  id: 'B13',
  level: 'MUST°',
  rule: 'A denial that no scope can cure is 403 without insufficient_scope and without scope',
  source: 'RFC 6750 section 3.1, meaning of the code',
  pending: 'needs authorization rules (section E): nothing else denies a good token with all scopes',
};
