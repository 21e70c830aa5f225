// JSON as other parsers read it: the first of two members or the last, names with regard to case or without.

/** An object with all its members, in order. */
export class Members {
  readonly pairs: (readonly [name: string, value: Json])[] = [];
}

export type Json = string | number | boolean | null | readonly Json[] | Members;

/** How one parser finds a member. */
export type Pick = (object: Json | undefined, name: string) => Json | undefined;

/** By way of capitals: U+017F is an `s` to Go. */
const fold = (name: string) => name.toUpperCase().toLowerCase();

function pick(which: 0 | -1, spelled: (name: string) => string): Pick {
  return (object, name) =>
    object instanceof Members
      ? object.pairs.filter(([member]) => spelled(member) === spelled(name)).at(which)?.[1]
      : undefined;
}

export const FIRST = pick(0, String);
export const LAST = pick(-1, String);
export const ALL_PICKS: readonly Pick[] = [FIRST, LAST, pick(0, fold), pick(-1, fold)];

/** Reads `text`, which must be JSON: `JSON.parse` has accepted it. */
export function readJson(text: string): Json {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let at = 0;
  const value = (): Json => {
    const token = tokens[at++] ?? '';
    if (token === '{') return object();
    return token === '[' ? array() : (JSON.parse(token) as string | number | boolean | null);
  };
  const object = (): Members => {
    const members = new Members();
    while (tokens[at] !== '}') {
      const name = value() as string; // JSON: a name stands there
      at++; // the colon
      members.pairs.push([name, value()]);
      if (tokens[at] === ',') at++;
    }
    at++;
    return members;
  };
  const array = (): Json[] => {
    const values: Json[] = [];
    while (tokens[at] !== ']') {
      values.push(value());
      if (tokens[at] === ',') at++;
    }
    at++;
    return values;
  };
  return value();
}
