// What the installed operator may do: the rules of manifests/install.yaml, as the API server's RBAC authorizer reads them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/kube/object.ts';

/** One thing that a request does, in RBAC's words. */
export interface Attempt {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** In the plural, with its subresource: `protectedmcpservers/status`. */
  readonly resource: string;
  readonly name?: string | undefined;
  /** Undefined for the whole cluster. */
  readonly namespace?: string | undefined;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

type Role = KubeObject & { readonly rules: readonly Rule[] };

const INSTALL = join(import.meta.dirname, '../../manifests/install.yaml');

/** Read when they are first asked for: the file is long, and many tests want them. */
let roles: readonly Role[] | undefined;

function readRoles(): readonly Role[] {
  const objects = parseAllDocuments(readFileSync(INSTALL, 'utf8')).map((one) => one.toJS() as KubeObject);
  const isOwn = ({ kind, metadata }: KubeObject) =>
    kind === 'Role' || (kind === 'ClusterRole' && metadata.name?.endsWith('-servers') === true);
  // The narrower one first: what both allow counts as its.
  return (objects.filter(isOwn) as Role[]).toSorted((a, b) => b.kind.localeCompare(a.kind));
}

/** The Role of the operator's namespace and the ClusterRole for servers. */
export class Rights {
  /** What was asked for and allowed, in the form of `granted`. */
  readonly used = new Set<string>();
  /** What was asked for and refused. */
  readonly refused: string[] = [];
  readonly #roles: readonly Role[];

  private constructor(roles: readonly Role[]) {
    this.#roles = roles;
  }

  static ofInstallation(): Rights {
    roles ??= readRoles();
    return new Rights(roles);
  }

  /** Every verb on every resource: `Role secrets: get`. */
  get granted(): string[] {
    return this.#roles
      .flatMap((role) =>
        role.rules.flatMap(({ resources, verbs }) =>
          resources.flatMap((resource) => verbs.map((verb) => line(role, resource, verb))),
        ),
      )
      .toSorted();
  }

  allows(attempt: Attempt): boolean {
    const role = this.#roles.find((one) => isAllowed(one, attempt));
    if (role === undefined) this.refused.push(`${attempt.resource}: ${attempt.verb}`);
    else this.used.add(line(role, attempt.resource, attempt.verb));
    return role !== undefined;
  }
}

function isAllowed(
  { kind, metadata, rules }: Role,
  { verb, group, resource, name, namespace }: Attempt,
): boolean {
  if (kind === 'Role' && metadata.namespace !== namespace) return false;
  return rules.some(
    (rule) =>
      rule.apiGroups.includes(group) &&
      rule.resources.includes(resource) &&
      rule.verbs.includes(verb) &&
      (rule.resourceNames === undefined || rule.resourceNames.includes(name ?? '')),
  );
}

function line({ kind }: Role, resource: string, verb: string): string {
  return `${kind} ${resource}: ${verb}`;
}
