// Reads what a pod says on its admin port. The pod runs images that the operator does not trust: everything is checked.
import type { Status } from '../sidecar/observability/admin.ts';

/** Longer texts are cut: they go into conditions and events (characters). */
const MAX_TEXT = 512;
/** The sidecar has at most 8 issuers, and a problem or two for each. */
const MAX_ENTRIES = 32;

/**
 * The status in the answer of a sidecar, with nothing in it but what a status holds.
 * @throws Error when it is not one
 */
export function parseStatus(answer: string): Status {
  const { resource, ready, problems, issuers, certificate, configDigest } = members(json(answer), 'it');
  const { subjectAltName, notAfter } = members(certificate, 'certificate');
  const end = text(notAfter, 'certificate.notAfter');
  if (!/^\d{4}-/.test(end) || Number.isNaN(Date.parse(end))) throw misfit('certificate.notAfter');
  return {
    resource: text(resource, 'resource'),
    ready: ready === true,
    problems: list(problems, 'problems').map((problem) => text(problem, 'problems')),
    issuers: list(issuers, 'issuers').map((entry) => {
      const { issuer, keys, loadedAt, lastError, mismatch } = members(entry, 'issuers');
      if (!Number.isSafeInteger(keys)) throw misfit('issuers.keys');
      return {
        issuer: text(issuer, 'issuers.issuer'),
        keys: keys as number, // just looked at
        loadedAt: optionalText(loadedAt, 'issuers.loadedAt'),
        lastError: optionalText(lastError, 'issuers.lastError'),
        mismatch: optionalText(mismatch, 'issuers.mismatch'),
      };
    }),
    certificate: {
      subjectAltName: optionalText(subjectAltName, 'certificate.subjectAltName'),
      notAfter: end,
    },
    configDigest: text(configDigest, 'configDigest'),
  };
}

function json(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    throw new Error('the answer on the admin port is not JSON');
  }
}

function members(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit(name);
  return value as Record<string, unknown>;
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) throw misfit(name);
  return value;
}

/** Control characters would move the cursor of whoever runs `kubectl describe`. */
function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw misfit(name);
  return value.slice(0, MAX_TEXT).toWellFormed().replace(/\p{C}/gu, '\uFFFD');
}

function optionalText(value: unknown, name: string): string | undefined {
  return value === undefined ? undefined : text(value, name);
}

function misfit(name: string): Error {
  return new Error(`the answer on the admin port is no status of a sidecar: ${name} is not as it should be`);
}
