/**
 * A recipe with its objects as one tar, which names what it holds by digest:
 *
 *     recipe/HEX.json    JSON in the order in which its fields were recorded, which columns follow; HEX is the digest that stands for the whole
 *     objects/HEX        each object of the recipe, in its order
 */
import { type Digest, digestOf, MillError } from "../../base/index.ts";
import { type Recipe, recipeForm } from "../../contract/index.ts";
import { checkJson } from "../../guard/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import { damaged, readTar, type TarEntry, tarBytes, writeTar } from "./tar.ts";

const RECIPE_BYTES_MAX = 64 << 20;

export const recipeText = (recipe: Recipe): string => JSON.stringify(recipe);

export const digestOfRecipe = (recipe: Recipe): Digest => digestOf(recipeText(recipe));

/** In bytes. */
export const sizeOfParcel = (recipe: Recipe): number =>
  tarBytes([Buffer.byteLength(recipeText(recipe)), ...recipe.objects.map(({ sizeBytes }) => sizeBytes)]);

/** Streams: an object is read when its turn comes. Errors: `object.missing`. */
export function packParcel(recipe: Recipe, objects: Pick<Objects, "read">): AsyncIterable<Uint8Array> {
  const text = Buffer.from(recipeText(recipe));
  const first: TarEntry = {
    name: `recipe/${hexOf(digestOf(text))}.json`,
    sizeBytes: text.byteLength,
    async *content() {
      yield text;
    },
  };
  const rest = recipe.objects.map(
    ({ digest, sizeBytes }): TarEntry => ({
      name: `objects/${hexOf(digest)}`,
      sizeBytes,
      content: () => objects.read(digest as Digest),
    }),
  );
  return writeTar([first, ...rest]);
}

const hexOf = (digest: string) => digest.slice("sha256:".length);

export interface Unpacking {
  /** Where it comes from, for what is said of it. */
  readonly at: string;
  /** The recipe that it must be; default: any. */
  readonly expected?: Digest | undefined;
  /** Called before any object is taken in: may refuse. */
  begin?(recipe: Recipe): Promise<void>;
  progress?(objects: number, bytes: number): void;
}

/**
 * Takes the objects in, each checked against its digest; memory does not grow with them.
 * Errors: `recipe.damaged`, `recipe.newer`, `recipe.other`, those of the source and of the store.
 */
export async function unpackParcel(
  source: AsyncIterable<Uint8Array>,
  objects: Pick<Objects, "putStream">,
  { at, expected, begin, progress }: Unpacking,
): Promise<Recipe> {
  const entries = readTar(source, at);
  try {
    const recipe = await readFirst(await next(entries, at, "its recipe"), at, expected);
    await begin?.(recipe);
    let bytes = 0;
    for (const [index, { digest, sizeBytes, of }] of recipe.objects.entries()) {
      const entry = await next(entries, at, of);
      const named = `objects/${hexOf(digest)}`;
      if (entry.name !== named) throw damaged(at, `${named}: ${of}`, JSON.stringify(entry.name));
      if (entry.sizeBytes !== sizeBytes) throw damaged(at, `${named} of ${sizeBytes} bytes: ${of}`, `${entry.sizeBytes} bytes`);
      const stored = await objects.putStream(entry.content());
      if (stored.digest !== digest) throw damaged(at, `${digest}: ${of}`, stored.digest);
      bytes += sizeBytes;
      progress?.(index + 1, bytes);
    }
    const more = await entries.next();
    if (!more.done) throw damaged(at, "its end", JSON.stringify(more.value.name));
    return recipe;
  } finally {
    await entries.return(undefined);
  }
}

/** The digest of the recipe that a parcel says it holds, from its beginning. Errors: as `unpackParcel`. */
export async function digestOfParcel(source: AsyncIterable<Uint8Array>, at: string): Promise<Digest> {
  const entries = readTar(source, at);
  try {
    return digestOfRecipe(await readFirst(await next(entries, at, "its recipe"), at));
  } finally {
    await entries.return(undefined);
  }
}

async function next(entries: AsyncGenerator<TarEntry>, at: string, wanted: string): Promise<TarEntry> {
  const { value, done } = await entries.next();
  if (done) throw damaged(at, wanted, "its end");
  return value;
}

async function readFirst({ name, sizeBytes, content }: TarEntry, at: string, expected?: Digest): Promise<Recipe> {
  const [, hex] = /^recipe\/([0-9a-f]{64})\.json$/.exec(name) ?? [];
  if (hex === undefined) throw damaged(at, "recipe/DIGEST.json as its first file", JSON.stringify(name));
  if (sizeBytes > RECIPE_BYTES_MAX) throw damaged(at, `a recipe of at most ${RECIPE_BYTES_MAX} bytes`, `${sizeBytes} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content()) chunks.push(Uint8Array.from(chunk));
  const text = Buffer.concat(chunks);
  const digest = digestOf(text);
  if (digest !== `sha256:${hex}`) throw damaged(at, `the recipe sha256:${hex}`, digest);
  if (expected !== undefined && digest !== expected) throw otherRecipe(at, expected, digest);
  return parseRecipe(text.toString("utf8"), at);
}

/** Errors: `recipe.damaged`, `recipe.newer`. */
export function parseRecipe(text: string, at: string): Recipe {
  let read: Recipe;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw damaged(at, "JSON", (cause as Error).message, cause);
  }
  const { format, environment } = read ?? {};
  if (typeof format === "number" && format !== 1)
    throw new MillError("recipe.newer", "The recipe was written by a newer Millwright than this one.", {
      at,
      expected: "form 1",
      got: `form ${format}`,
      fix: `Install Millwright ${String(environment?.millwright ?? "of its version")} or later.`,
    });
  const unfit = checkJson(recipeForm, read);
  if (unfit !== null) throw damaged(at, `${unfit.at}: ${unfit.expected}`, unfit.got);
  return read;
}

export const otherRecipe = (at: string, expected: string, got: string): MillError =>
  new MillError("recipe.other", "This is another recipe than the one that was expected.", {
    at,
    expected,
    got,
    fix: "Name the digest that `mill recipe` printed, or the folder that was kept of this one.",
  });
