// Finds what a resource holds beyond what this version knows. Its definition in the cluster may be newer, and the API server
// takes away only what the definition does not have.

/** What is known of a field. Without any member: its value is taken as it is. */
export interface KnownField {
  /** The members of an object; others are not known. */
  readonly fields?: Readonly<Record<string, KnownField>>;
  /** Of each member of an object that may have any. */
  readonly values?: KnownField;
  /** Of each entry of a list. */
  readonly items?: KnownField;
  readonly enum?: readonly string[];
}

/** The paths of fields, and of values of enumerations, that are not known. */
export function unknownFields(value: unknown, known: KnownField, path: string): string[] {
  if (Array.isArray(value)) {
    const { items } = known;
    return items === undefined
      ? []
      : value.flatMap((entry, index) => unknownFields(entry, items, `${path}[${index}]`));
  }
  if (typeof value === 'string' && known.enum?.includes(value) === false) return [`${path}: ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const at = `${path}.${name}`;
    if (known.values !== undefined) return unknownFields(member, known.values, at);
    if (known.fields === undefined) return [];
    const field = Object.hasOwn(known.fields, name) ? known.fields[name] : undefined;
    return field === undefined ? [at] : unknownFields(member, field, at);
  });
}
