/** What names, aliases, tags and stages may be: MLflow's rules, so that its clients are understood, with its words for what is refused. */
import { MillError } from "../../base/index.ts";

export const STAGES = ["None", "Staging", "Production", "Archived"] as const;
export type Stage = (typeof STAGES)[number];

const NAME_MAX = 256;
const KEY_MAX = 250;
const VALUE_MAX = 100_000;
const ALIAS_MAX = 255;

/** Errors: `registry.name`. */
export function checkModelName(name: string): void {
  if (name.trim() === "") throw wrongName("Missing value for required parameter 'name'.", name);
  if (/[/:]/.test(name)) throw wrongName(`Invalid model name '${shown(name)}'. Names cannot contain '/' or ':'.`, name);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (name === "." || name === ".." || name.length > NAME_MAX || /[\0-\x1f]/.test(name) || !name.isWellFormed())
    throw wrongName(`Invalid value ${JSON.stringify(shown(name))} for parameter 'name' supplied.`, name);
}

/** Errors: `registry.alias`: also for what means something else, "latest" and numbers of versions. */
export function checkAlias(alias: string): void {
  if (!/^[\w-]+$/.test(alias))
    throw wrongAlias(
      alias === ""
        ? "Registered model alias name cannot be empty."
        : `Invalid alias name: '${shown(alias)}'. It may hold letters, digits, _ and -.`,
      alias,
    );
  if (alias.length > ALIAS_MAX)
    throw wrongAlias(`Registered model alias name exceeds the maximum length of ${ALIAS_MAX} characters`, alias);
  if (alias.toLowerCase() === "latest") throw wrongAlias("'latest' alias name (case insensitive) is reserved.", alias);
  if (/^v\d+$/i.test(alias)) throw wrongAlias(`Version alias name '${alias}' is reserved.`, alias);
}

/** Errors: `registry.tag`. */
export function checkTag(key: string, value: string): void {
  const [what, length, max] = key.length > KEY_MAX ? ["key", key.length, KEY_MAX] : ["value", value.length, VALUE_MAX];
  if (key.trim() === "") throw wrongTag("Missing value for required parameter 'key'.", key);
  if (length > max) throw wrongTag(`'${what}' exceeds the maximum length of ${max} characters, got ${length}.`, key);
}

/** A stage is meant in any case. Errors: `registry.stage`. */
export function stageNamed(said: string): Stage {
  const stage = STAGES.find((one) => one.toLowerCase() === said.toLowerCase());
  if (stage) return stage;
  throw new MillError(
    "registry.stage",
    `Invalid Model Version stage: ${shown(said)}. Value must be one of ${STAGES.join(", ")}.`,
    {
      at: "stage",
      expected: STAGES.join(", "),
      got: shown(said),
      fix: "Name one of these, or set an alias, which says more.",
    },
  );
}

const shown = (text: string) => text.slice(0, 100);
const wrongName = (message: string, name: string) =>
  new MillError("registry.name", message, { at: "name", got: shown(name), fix: "Choose another name." });
const wrongAlias = (message: string, alias: string) =>
  new MillError("registry.alias", message, { at: "alias", got: shown(alias), fix: "Choose another alias." });
const wrongTag = (message: string, key: string) => new MillError("registry.tag", message, { at: "key", got: shown(key) });
