/** Names that a definition, a column and a feature may have, from names that files and people give. */

/** A project's name from a file's: lower-case letters, digits and hyphens, beginning with a letter. */
export function projectName(fileName: string): string {
  const stem = plain(fileName.replace(/(\.[a-z]+)?(\.gz)?$/i, ""))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  const name = /^[a-z]/.test(stem) ? stem : `data-${stem}`;
  return name.slice(0, 63).replace(/-+$/, "");
}

/** A name for each column that TypeScript says without quotes: `Beak Length (mm)` is `beakLengthMm`; a name that is taken gets a number. */
export function columnNames(sources: readonly string[]): string[] {
  const take = createTaken();
  return sources.map((source, index) => take(identifier(source) ?? `column${index + 1}`));
}

/** Gives each name once: tables do not tell case apart, and what every object has is no name for a column. */
export function createTaken(): (name: string) => string {
  const taken = new Set<string>();
  return (wanted) => {
    const base = wanted in {} || wanted === "then" ? `${wanted}Column` : wanted.slice(0, NAME_LENGTH_MAX);
    let name = base;
    for (let count = 2; taken.has(name.toLowerCase()); count++) name = `${base}${count}`;
    taken.add(name.toLowerCase());
    return name;
  };
}

/** A field's name may have 63 characters; a number may follow. */
const NAME_LENGTH_MAX = 56;

/** null: nothing is left that a name could begin with. */
function identifier(source: string): string | null {
  const words = plain(source)
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  const joined = words.map((word, at) => (at === 0 ? lowerFirst(word) : upperFirst(word))).join("");
  if (joined === "") return null;
  return /^[A-Za-z]/.test(joined) ? joined : `column${joined}`;
}

/** `ID` and `BMI` are words, not `iD`. */
const lowerFirst = (word: string) => (/^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word[0]!.toLowerCase() + word.slice(1));
export const upperFirst = (word: string) => word[0]!.toUpperCase() + word.slice(1);

/** Letters without their accents. */
const plain = (text: string) =>
  text.normalize("NFKD").replaceAll(/\p{M}/gu, "").replaceAll("ß", "ss").replaceAll(/[øØ]/g, "o").replaceAll(/[łŁ]/g, "l");
