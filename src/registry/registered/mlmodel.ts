/**
 * What an `MLmodel` file says of itself: its signature, its example, its licence. It is YAML as PyYAML's safe_dump writes it, of which only this is read:
 * mappings two levels deep, whose texts are plain, quoted, or quoted and folded over lines. What is written otherwise is passed over.
 *
 *     signature:
 *       inputs: '[{"type": "double", "name": "a"}, {"type":
 *         "double", "name": "b"}]'
 *       params: null
 */
import type { Json } from "../../base/index.ts";
import type { Signature } from "../signature.ts";

export interface MlModel {
  /** null: none is stated. */
  readonly signature: Signature | null;
  /** File of an example of the input, beside this one. */
  readonly examplePath: string | null;
  /** Of its metadata. */
  readonly license: string | null;
}

export function readMlModel(text: string): MlModel {
  const fields = readMapping(text.split(/\r?\n/));
  const within = (name: string) => readMapping(fields.get(name)?.block ?? []);
  const [signature, example, metadata] = [within("signature"), within("saved_input_example_info"), within("metadata")];
  const schema = (name: string) => parsed(textOf(signature.get(name)));
  const shown = { inputs: schema("inputs"), outputs: schema("outputs"), params: schema("params") };
  return {
    signature: Object.values(shown).some((one) => one !== null) ? shown : null,
    examplePath: textOf(example.get("artifact_path")),
    license: textOf(metadata.get("license")),
  };
}

interface Field {
  /** What stands behind the colon. */
  readonly rest: string;
  /** The lines below that are indented further. */
  readonly block: string[];
}

function readMapping(lines: readonly string[]): Map<string, Field> {
  const indent = /^ */.exec(lines.find((line) => line.trim() !== "") ?? "")![0].length;
  const fields = new Map<string, Field>();
  let current: Field | null = null;
  for (const line of lines) {
    const key = line.startsWith(" ".repeat(indent)) && /^([\w.-]+):(?: (.*))?$/.exec(line.slice(indent));
    if (key) {
      current = { rest: key[2] ?? "", block: [] };
      fields.set(key[1]!, current);
    } else current?.block.push(line);
  }
  return fields;
}

/** null: nothing, or nothing that is a text. */
function textOf(field: Field | undefined): string | null {
  if (field === undefined) return null;
  const folded = fold([field.rest, ...field.block]);
  if (/^'(?:[^']|'')*'$/.test(folded)) return folded.slice(1, -1).replaceAll("''", "'");
  if (folded.startsWith('"')) return unescaped(folded);
  return folded === "" || folded === "null" || folded === "~" ? null : folded;
}

/** Lines of one text are joined by spaces, an empty one is a break; one that ends with a backslash goes on at once. */
function fold(lines: readonly string[]): string {
  let text = lines[0]!.trim();
  let breaks = 0;
  for (const line of lines.slice(1)) {
    const words = line.trim();
    if (words === "") {
      breaks++;
      continue;
    }
    const goesOn = text.startsWith('"') && /(?:^|[^\\])(?:\\\\)*\\$/.test(text);
    if (goesOn) text = text.slice(0, -1) + words.replace(/^\\ /, " ");
    else text += (breaks > 0 ? "\n".repeat(breaks) : " ") + words;
    breaks = 0;
  }
  return text;
}

/** The escapes of JSON, and those by the number of a character. */
function unescaped(quoted: string): string | null {
  const asJson = quoted.replaceAll(/\\\\|\\x([0-9a-fA-F]{2})|\\U([0-9a-fA-F]{8})|\n/g, (whole, byte?: string, point?: string) => {
    const code = Number.parseInt(byte ?? point ?? "", 16);
    if (Number.isNaN(code)) return whole === "\n" ? "\\n" : whole;
    return code > 0x10ffff ? whole : JSON.stringify(String.fromCodePoint(code)).slice(1, -1);
  });
  const text = parsed(asJson);
  return typeof text === "string" ? text : null;
}

function parsed(text: string | null): Json {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
