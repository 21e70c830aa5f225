// One pass over the text of JSON-RPC messages: how deep it goes, and how many members stand where decisions are made.

/** Deeper nesting than this is refused (RESOURCE_SERVER E6): parsers behind us may recurse. */
const MAX_DEPTH = 64;

/** How many members the objects of one message have in the text: more than the parsed object has means one came twice. */
export interface Shape {
  message: number;
  params: number;
  meta: number;
  ref: number;
  notifications: number;
  /** Where the value of `id` begins; -1 if there is none, or its name is spelled with escapes. */
  idAt: number;
}

type Counted = 'meta' | 'ref' | 'notifications';

/** Objects in `params` whose members are looked at. */
const COUNTED: readonly (readonly [name: string, counter: Counted])[] = [
  ['_meta', 'meta'],
  ['ref', 'ref'],
  ['notifications', 'notifications'],
];

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Scans `text`, which holds one message or an array of them, in linear time. Does not check that it is JSON: its answer
 * counts only if `JSON.parse` accepts the text.
 * @param level the depth of the messages: 1, or 2 in an array
 * @returns one shape for each object at that depth, or `undefined` if the text nests too deep
 */
export function scan(text: string, level: 1 | 2): readonly Shape[] | undefined {
  const shapes: Shape[] = [];
  let shape: Shape = emptyShape();
  let depth = 0;
  let inParams = false;
  let counted: Counted | undefined;
  // The string that was read last: at a colon, it is the member's name.
  let start = 0;
  let end = 0;
  const { length } = text;
  for (let at = 0; at < length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        start = at + 1;
        end = endOfString(text, start);
        if (end < 0) return shapes; // no JSON
        at = end;
        break;
      case COLON:
        if (depth === level) {
          shape.message++;
          if (end - start === 2 && text.startsWith('id', start)) shape.idAt = at + 1;
        } else if (depth === level + 1) {
          if (inParams) shape.params++;
        } else if (depth === level + 2 && counted !== undefined) shape[counted]++;
        break;
      case OPEN_BRACE:
        if (++depth > MAX_DEPTH) return undefined;
        if (depth === level) shapes.push((shape = emptyShape()));
        else if (depth === level + 1) inParams = isName(text, start, end, 'params');
        else if (depth === level + 2) counted = inParams ? counterOf(text, start, end) : undefined;
        break;
      case OPEN_BRACKET:
        if (++depth > MAX_DEPTH) return undefined;
        // What stands in an array stands one level deeper than any of the objects that are counted.
        if (depth === level + 1) inParams = false;
        else if (depth === level + 2) counted = undefined;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      default:
    }
  }
  return shapes;
}

function emptyShape(): Shape {
  return { message: 0, params: 0, meta: 0, ref: 0, notifications: 0, idAt: -1 };
}

/** Where the string that begins at `start` ends; -1 if it does not. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start);
  while (end > start && text.charCodeAt(end - 1) === BACKSLASH) {
    let first = end - 1;
    while (first > start && text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end; // each backslash is escaped by the one before it
    end = text.indexOf('"', end + 1);
  }
  return end;
}

function counterOf(text: string, start: number, end: number): Counted | undefined {
  for (const [name, counter] of COUNTED) if (isName(text, start, end, name)) return counter;
  return undefined;
}

/** Whether a name as it stands in the text means `name`: "params" and "\u0070arams" do. */
function isName(text: string, start: number, end: number, name: string): boolean {
  if (end - start === name.length) return text.startsWith(name, start);
  // An escape makes it longer, six times at most.
  if (end - start < name.length || end - start > 6 * name.length) return false;
  const written = text.slice(start, end);
  return written.includes('\\') && isJsonString(written, name);
}

function isJsonString(written: string, name: string): boolean {
  try {
    return JSON.parse(`"${written}"`) === name;
  } catch {
    return false; // no JSON: the text will be refused as a whole
  }
}
