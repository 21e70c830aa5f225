// One pass over the text of JSON-RPC messages: how deep it goes, and how many members stand where decisions are made.
import { JsonTokens } from '../../base/json-tokens.ts';

/** How many members the objects of one message have in the text: more than in the parsed object means a duplicate. */
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

/** Objects in `params` whose members are counted. */
const COUNTED: readonly (readonly [name: string, counter: Counted])[] = [
  ['_meta', 'meta'],
  ['ref', 'ref'],
  ['notifications', 'notifications'],
];

/**
 * Scans `text`, which holds one message or an array of them, in linear time. Does not check that it is JSON: its answer
 * counts only if `JSON.parse` accepts the text.
 * @param level the depth of the messages: 1, or 2 in an array
 * @returns one shape for each object at that depth, or `undefined` if the text nests too deep
 */
export function scan(text: string, level: 1 | 2): readonly Shape[] | undefined {
  const shapes: Shape[] = [];
  const tokens = new JsonTokens(text);
  let shape: Shape = emptyShape();
  let inParams = false;
  let counted: Counted | undefined;
  for (;;) {
    const token = tokens.next();
    const { depth } = tokens;
    switch (token) {
      case ':':
        if (depth === level) {
          shape.message++;
          if (isWrittenAs(text, tokens, 'id')) shape.idAt = tokens.at;
        } else if (depth === level + 1) {
          if (inParams) shape.params++;
        } else if (depth === level + 2 && counted !== undefined) shape[counted]++;
        break;
      case '{':
        if (depth === level) shapes.push((shape = emptyShape()));
        else if (depth === level + 1) inParams = isName(text, tokens, 'params');
        else if (depth === level + 2) counted = inParams ? counterOf(text, tokens) : undefined;
        break;
      case '[':
        // What stands in an array stands one level deeper than any of the objects that are counted.
        if (depth === level + 1) inParams = false;
        else if (depth === level + 2) counted = undefined;
        break;
      case '}':
      case ']':
        break;
      case 'too deep':
        return undefined;
      case 'end':
        return shapes;
      default:
        return token satisfies never;
    }
  }
}

function emptyShape(): Shape {
  return { message: 0, params: 0, meta: 0, ref: 0, notifications: 0, idAt: -1 };
}

function counterOf(text: string, tokens: JsonTokens): Counted | undefined {
  for (const [name, counter] of COUNTED) if (isName(text, tokens, name)) return counter;
  return undefined;
}

/** Whether the last string is `name`, without escapes. */
function isWrittenAs(text: string, { stringStart, stringEnd }: JsonTokens, name: string): boolean {
  return stringEnd - stringStart === name.length && text.startsWith(name, stringStart);
}

/** Whether the last string means `name`: "params" and "\u0070arams" do. */
function isName(text: string, tokens: JsonTokens, name: string): boolean {
  if (isWrittenAs(text, tokens, name)) return true;
  const { stringStart, stringEnd } = tokens;
  const length = stringEnd - stringStart;
  // An escape makes it longer, six times at most.
  if (length <= name.length || length > 6 * name.length) return false;
  const written = text.slice(stringStart, stringEnd);
  return written.includes('\\') && isJsonString(written, name);
}

function isJsonString(written: string, name: string): boolean {
  try {
    return JSON.parse(`"${written}"`) === name;
  } catch {
    return false; // not JSON: JSON.parse refuses the whole text
  }
}
