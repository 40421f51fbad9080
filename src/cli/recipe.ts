/** What a version was made from: shown, taken along as a file, and made again somewhere else. */
import { createReadStream } from "node:fs";
import { access, open, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Digest, formatBytes, formatSpan, isDigest, MillError } from "../base/index.ts";
import { EXIT, type OutputOf } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import type { RebuildingLine, RebuildRequest } from "./app.ts";
import { type Command, type CommandContext, textFlag } from "./command.ts";
import { follow } from "./follow.ts";
import { createTransferProgress } from "./lake/transfer-progress.ts";
import { STANDINGS } from "./progress.ts";
import { remoteCall } from "./remote-call.ts";
import { cell, table } from "./table.ts";

export const recipe: Command = async (context) => {
  const { operands, flags, output, effects } = context;
  const asked = versionAsked(operands[0]!);
  const out = textFlag(flags, "out");
  const file = out === undefined ? null : resolve(effects.cwd, out);
  if (file !== null) await requireFree(file);
  const found = await withVerbsFrom(context, async (call) => {
    const shown = await call("getRecipe", asked);
    if (file !== null) await save(file, await call("exportRecipe", { ...asked, digest: shown.digest }), context);
    return shown;
  });
  output.result({ ...found, file }, () => recipeText(found, file));
  return undefined;
};

export const rebuild: Command = async (context) => {
  const { operands, flags, output, factory, signal, effects, config } = context;
  const operand = operands[0]!;
  const file = resolve(effects.cwd, operand);
  const keep = textFlag(flags, "keep");
  const options = {
    expected: digestAsked(textFlag(flags, "digest")),
    keep: keep === undefined ? null : resolve(effects.cwd, keep),
    tolerance: toleranceAsked(textFlag(flags, "tolerance") ?? "0.01"),
    anyway: flags.anyway === true,
    signal,
  };
  const carryOut = async (request: Pick<RebuildRequest, "at" | "content" | "digest">) =>
    follow(await factory.rebuild({ ...request, ...options }, await config()), "rebuilt", context);
  const isFile = flags.from === undefined && (await stat(file).catch(() => null))?.isFile() === true;
  const rebuilt = isFile
    ? await carryOut({ at: file, content: async () => createReadStream(file, { highWaterMark: 1 << 20 }) })
    : await rebuildServed(context, operand, file, carryOut);
  output.result(rebuilt, () => rebuiltText(rebuilt));
  return rebuilt.same ? EXIT.done : EXIT.refused;
};

type Rebuilt = Extract<RebuildingLine, { readonly event: "rebuilt" }>;

function rebuildServed(
  context: CommandContext,
  operand: string,
  file: string,
  carryOut: (request: Pick<RebuildRequest, "at" | "content" | "digest">) => Promise<Rebuilt>,
): Promise<Rebuilt> {
  if (context.flags.from === undefined && !VERSION.test(operand)) throw noFile(file);
  const asked = versionAsked(operand);
  return withVerbsFrom(context, (call) =>
    carryOut({
      at: operand,
      digest: async () => (await call("getRecipe", asked)).digest as Digest,
      content: async () => (await call("exportRecipe", asked, { signal: context.signal })).content(),
    }),
  );
}

/** The verbs of the server at `--from`, else of this workspace. A token in the address counts, as in the one that `mill up` prints for MLflow. */
async function withVerbsFrom<T>({ flags, config, withVerbs }: CommandContext, use: (call: BoundCall) => Promise<T>): Promise<T> {
  const from = textFlag(flags, "from");
  if (from === undefined) return withVerbs(use);
  const address = URL.parse(from);
  if (address === null || !/^https?:$/.test(address.protocol))
    throw new MillError("cli.usage", `--from needs the address of a server, and not "${from}".`, {
      expected: "--from http://HOST:4747",
      got: from,
      fix: "Write the address that `mill up` prints.",
    });
  const { token } = await config();
  return use(remoteCall({ url: address.origin, certificate: null }, decodeURIComponent(address.password) || token));
}

const VERSION = /^([a-z][a-z0-9-]{0,62})@([a-z0-9][a-z0-9-]{0,62})$/;

function versionAsked(text: string): { readonly name: string; readonly version: string } {
  const [, name, version] = VERSION.exec(text) ?? [];
  if (name !== undefined && version !== undefined) return { name, version };
  throw new MillError("cli.usage", `"${text}" names no version of a model.`, {
    expected: "NAME@VERSION or NAME@ALIAS, as in late-arrival@champion",
    got: text,
    fix: "`mill status` lists models and versions.",
  });
}

function digestAsked(text: string | undefined): Digest | undefined {
  if (text === undefined || isDigest(text)) return text;
  throw new MillError("cli.usage", `--digest needs a digest, and not "${text}".`, {
    expected: "sha256: and 64 hexadecimal digits",
    got: text,
    fix: "Write the digest that `mill recipe` printed.",
  });
}

function toleranceAsked(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value < 1) return value;
  throw new MillError("cli.usage", `--tolerance needs a number, and not "${text}".`, {
    expected: "a number from 0 to less than 1",
    got: text,
    fix: "Leave it out for 0.01.",
  });
}

async function requireFree(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new MillError("recipe.not-empty", "A recipe is written into a file of its own.", {
      at: file,
      expected: "no file yet",
      got: "one that is there",
      fix: "Name another file with --out, or remove this one.",
    });
}

const noFile = (file: string) =>
  new MillError("recipe.missing", "There is no recipe in this place.", {
    at: file,
    expected: "a file that `mill recipe --out` wrote, or NAME@VERSION with --from",
    fix: "Correct the path, or write NAME@VERSION --from http://HOST:4747.",
  });

type Served = { readonly sizeBytes: number; content(): AsyncIterable<Uint8Array> };

/** Beside its place, and put there when it is whole. */
async function save(file: string, { sizeBytes, content }: Served, { effects, output, signal }: CommandContext): Promise<void> {
  const half = `${file}.half`;
  const drawing = createTransferProgress(effects, output.json, "recipe");
  let written = 0;
  try {
    const handle = await open(half, "w", 0o600);
    try {
      for await (const chunk of content()) {
        if (signal.aborted) throw interrupted();
        await handle.writeFile(chunk);
        written += chunk.byteLength;
        drawing.files(0, chunk.byteLength);
      }
      if (written !== sizeBytes) throw cutShort(file, sizeBytes, written);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(half, file);
  } catch (thrown) {
    await rm(half, { force: true });
    throw thrown;
  } finally {
    drawing.close();
  }
}

const interrupted = () =>
  new MillError("cli.interrupted", "Interrupted; nothing of the recipe was kept.", { fix: "Run the same command again." });

const cutShort = (at: string, expected: number, got: number) =>
  new MillError("recipe.damaged", "The recipe broke off on its way; nothing of it was kept.", {
    at,
    expected: `${expected} bytes`,
    got: `${got} bytes`,
    fix: "Run the same command again.",
  });

function recipeText({ digest, sizeBytes, recipe }: OutputOf<"getRecipe">, file: string | null): string {
  const { model, version, steps, objects } = recipe;
  const given = steps.filter((step) => step.given).map(({ target, kind }) => `${target}:${kind}`);
  return [
    table(
      ["size", "what it brings", "digest"],
      objects.map((object) => [formatBytes(object.sizeBytes), cell(object.of), object.digest]),
    ).trimEnd(),
    `${model}@${version}: ${steps.length} steps, of which ${steps.length - given.length} run again; taken as recorded: ${given.join(", ") || "none"}`,
    `recipe ${digest}`,
    file === null
      ? `--out FILE writes it with these objects, ${formatBytes(sizeBytes)}: training rows and holdout are among them`
      : `${file}: ${formatBytes(sizeBytes)}, with training rows and holdout: keep it as you keep the data`,
    "",
  ].join("\n");
}

function rebuiltText({ model, version, digest, same, tolerance, steps, folder, bundle }: Rebuilt): string {
  const rows = steps.map(({ target, kind, standing, sentence, wallMs }) => [
    STANDINGS[standing],
    `${target}:${kind}`,
    standing === "given" ? "" : formatSpan(wallMs),
    cell(sentence),
  ]);
  const count = (wanted: string) => steps.filter(({ standing }) => standing === wanted).length;
  const ran = steps.length - count("given");
  const within = count("within");
  return [
    table(["result", "step", "took", "what"], rows).trimEnd(),
    same
      ? `${model}@${version}: ${within === 0 ? `all ${ran}` : `${ran - within} of ${ran}`} steps left the same again${within === 0 ? "" : `, ${within} within the tolerance`}`
      : `${model}@${version}: ${count("differs")} of ${ran} steps did not leave the same`,
    ...(within > 0 ? [`tolerance ${tolerance}: so far may measures be apart, of values above 1 as a share of them`] : []),
    `recipe ${digest}`,
    ...(bundle?.manifest ? [`bundle ${bundle.manifest}`] : []),
    ...(folder === null ? [] : [`kept in ${folder}${bundle ? `: ${bundle.onnx ? "model.onnx, " : ""}manifest.json` : ""}`]),
    "",
  ].join("\n");
}
