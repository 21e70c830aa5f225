// The shape of the CustomResourceDefinition file, as far as generators and local validation read it. Not the API types.

/** A JSON schema in the structural form that Kubernetes asks of a CRD. */
export interface CrdSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, CrdSchema>>;
  readonly additionalProperties?: CrdSchema;
  readonly items?: CrdSchema;
  readonly anyOf?: readonly CrdSchema[];
  readonly 'x-kubernetes-validations'?: readonly CrdRule[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/** One CEL rule: `self` is the value that the schema describes. */
export interface CrdRule {
  readonly rule: string;
  readonly message: string;
}

interface CrdVersion {
  readonly name: string;
  readonly schema: { readonly openAPIV3Schema: CrdSchema };
}

export interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly CrdVersion[];
  };
}

/** The schema of the one version there is. */
export function crdSchema(crd: Crd): CrdSchema {
  const [version] = crd.spec.versions;
  if (version === undefined) throw new Error('the CRD has no version');
  return version.schema.openAPIV3Schema;
}
