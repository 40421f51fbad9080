/**
 * Definitions as a text and back: what `mill.ts` came to, as JSON, each definition once under its kind and name; where one stands in another, its name does.
 * Features are read in their order, so the order of fields is kept; that of exports says nothing, and goes. Equal texts are equal definitions.
 */
import { type Digest, MillError } from "../base/index.ts";
import {
  type Definition,
  isDefinition,
  KIND,
  type Kind,
  type ModelDefinition,
  PLURAL,
  type Project,
  type PythonDefinition,
} from "./definitions.ts";
import { filesOf } from "./project-files.ts";

/** Counts up when the normal form changes so that an older text would be read wrongly. */
const FORM = 1;

/** A definition that stands in another; no field of a user's can have this name. */
interface Reference {
  readonly $definition: string;
}

const KINDS = Object.entries(PLURAL) as [Kind, (typeof PLURAL)[Kind]][];

export function definitionsText(project: Project): string {
  const sections = KINDS.map(([kind, plural]) => {
    const told = sorted(project[plural]).map(([name, fields]) => [
      name,
      kind === "model" ? withContents(fields, project) : fields,
    ]);
    return [plural, Object.fromEntries(told)];
  });
  return JSON.stringify({ form: FORM, ...Object.fromEntries(sections) }, (_, value) =>
    isDefinition(value) ? ({ $definition: `${value[KIND]}/${value.name}` } satisfies Reference) : value,
  );
}

/** A trainer that names files says what is in them: another content is another definition. */
function withContents(fields: Fields, { files }: Project): Fields {
  const { train } = fields as unknown as ModelDefinition;
  if (train.python === undefined) return fields;
  const contents = Object.fromEntries(filesOf(train.python).map((path) => [path, files.get(path)]));
  return { ...fields, train: { ...train, python: { ...train.python, contents } } };
}

/** The way back: what is in the files belongs to the project. */
function withoutContents(fields: Fields, files: Map<string, Digest>): Fields {
  const { train } = fields as unknown as ModelDefinition;
  if (train.python === undefined) return fields;
  const { contents, ...python } = train.python as PythonDefinition & { readonly contents: Readonly<Record<string, Digest>> };
  for (const [path, digest] of Object.entries(contents)) files.set(path, digest);
  return { ...fields, train: { ...train, python } };
}

type Fields = Readonly<Record<string, unknown>>;

/** Each by its name, without its brand: what else has one stands in another. */
const sorted = (definitions: ReadonlyMap<string, Definition>) =>
  [...definitions.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((definition) => [definition.name, Object.fromEntries(Object.entries(definition))] as const);

/**
 * The project that a text of `definitionsText` tells of, over the files of `folder`.
 * Errors: `define.other-form` of a text that another Millwright has written in another form.
 */
export function projectOf(text: string, folder: string): Project {
  const { form, ...sections } = JSON.parse(text) as { form: number } & Record<string, Record<string, Definition>>;
  if (form !== FORM)
    throw new MillError("define.other-form", "The definitions are kept in a form that this Millwright does not read.", {
      expected: `form ${FORM}`,
      got: `form ${form}`,
      fix: "Run mill.ts as it is now, or use the Millwright that kept them.",
    });
  const known = new Map<string, Definition>();
  const files = new Map<string, Digest>();
  const resolved = (_: string, value: unknown) => (isReference(value) ? known.get(value.$definition) : value);
  const byKind = KINDS.map(([kind, plural]) => {
    const named = Object.entries(sections[plural] ?? {}).map(([name, fields]) => {
      const own = kind === "model" ? withoutContents(fields as unknown as Fields, files) : fields;
      const definition = Object.freeze({ [KIND]: kind, ...JSON.parse(JSON.stringify(own), resolved) }) as Definition;
      known.set(`${kind}/${name}`, definition);
      return [name, definition] as const;
    });
    return [plural, new Map(named)] as const;
  });
  return { folder, files, ...Object.fromEntries(byKind) } as unknown as Project;
}

const isReference = (value: unknown): value is Reference =>
  typeof value === "object" && value !== null && Object.hasOwn(value, "$definition");
