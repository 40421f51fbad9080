/** `mill model ...`: registered models, their versions, papers and history. */
import { MillError } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import { type Command, textFlag } from "./command.ts";
import { moreText, pageFlags } from "./lake/page.ts";
import { alignRows, cell, moment, table } from "./table.ts";

type Model = OutputOf<"getRegisteredModel">;
type Version = OutputOf<"getRegisteredVersion">;
type Papers = OutputOf<"getVersionPapers">;
type Entry = OutputOf<"getModelLedger">["items"][number];

export const list: Command = async ({ flags, output, effects, withVerbs }) => {
  const { cursor: pageToken, ...page } = pageFlags(flags);
  const { items, nextPageToken: next } = await withVerbs((call) =>
    call("searchRegisteredModels", { filter: textFlag(flags, "filter"), ...page, pageToken }),
  );
  output.result({ items, next }, () => {
    const rows = items.map((one) => [
      one.name,
      one.gated ? "gates" : "people",
      newest(one),
      aliasesText(one),
      cell(one.description),
    ]);
    const head = ["model", "decided by", "newest", "aliases", ""];
    return (table(head, rows, effects.width) || "no model is registered\n") + moreText({ next });
  });
  return undefined;
};

export const show: Command = async ({ operands, output, effects, withVerbs }) => {
  const [name, which] = named(operands[0]!);
  if (which === null) {
    const model = await withVerbs((call) => call("getRegisteredModel", { model: name }));
    output.result(model, () => modelText(model, effects.width));
    return undefined;
  }
  const shown = await withVerbs(async (call) => {
    const version = await versionNamed(name, which, call);
    const { model: _, version: __, ...papers } = await call("getVersionPapers", { model: name, version: version.version });
    return { ...version, papers };
  });
  output.result(shown, () => versionText(shown, shown.papers));
  return undefined;
};

export const ledger: Command = async ({ operands, flags, output, effects, withVerbs }) => {
  const page = await withVerbs((call) => call("getModelLedger", { model: operands[0], ...pageFlags(flags) }));
  output.result(page, () => {
    const rows = page.items.map((entry) => [instant(entry.at), cell(entry.actor), happened(entry), cell(entry.why ?? "")]);
    return (table(["at (UTC)", "who", "what", "why"], rows, effects.width) || "nothing was told\n") + moreText(page);
  });
  return undefined;
};

export const alias: Command = async ({ operands, flags, output, withVerbs }) => {
  const [name, which] = named(operands[0]!);
  const [alias, why] = [operands[1]!, textFlag(flags, "why")];
  await withVerbs(async (call) => {
    const version = flags.remove ? null : (await versionNamed(name, which ?? "", call)).version;
    await call("setModelAlias", { model: name, alias, version, why });
  });
  output.result({ model: name, alias }, () =>
    flags.remove ? `${alias} is no alias of ${name} any more\n` : `${name}@${alias} is version ${which}\n`,
  );
  return undefined;
};

export const describe: Command = async ({ operands, flags, output, withVerbs }) => {
  const [name, which] = named(operands[0]!);
  const shown = await withVerbs(async (call) => {
    const { version } = await versionNamed(name, which ?? "", call);
    await call("changeRegisteredVersion", {
      ...{ model: name, version, description: textFlag(flags, "text"), license: textFlag(flags, "license") },
      ...{ stage: textFlag(flags, "stage"), why: textFlag(flags, "why") },
    });
    const { model: _, version: __, ...papers } = await call("getVersionPapers", { model: name, version });
    return { ...(await call("getRegisteredVersion", { model: name, version })), papers };
  });
  output.result(shown, () => versionText(shown, shown.papers));
  return undefined;
};

function named(operand: string): readonly [name: string, which: string | null] {
  const at = operand.lastIndexOf("@");
  return at < 0 ? [operand, null] : [operand.slice(0, at), operand.slice(at + 1)];
}

/** By number or alias. */
async function versionNamed(model: string, which: string, call: BoundCall): Promise<Version> {
  if (/^[1-9]\d{0,8}$/.test(which)) return call("getRegisteredVersion", { model, version: Number(which) });
  if (which !== "") return call("getVersionByAlias", { model, alias: which });
  throw new MillError("request.bad-version", `Which version of ${model} is meant?`, {
    expected: "NAME@VERSION or NAME@ALIAS",
    got: model,
    fix: `mill model show ${model} shows what there is.`,
  });
}

const instant = (ms: number) => moment(new Date(ms).toISOString());
const newest = ({ latest }: Model) => String(Math.max(0, ...latest.map(({ version }) => version)) || "-");
const aliasesText = ({ aliases }: Model) =>
  Object.entries(aliases)
    .map(([alias, version]) => `${alias} ${version}`)
    .join(", ") || "-";
const tagsText = (tags: Model["tags"]) => Object.entries(tags).map(([key, value]) => `${key}=${value}`);

function modelText(model: Model, width: number | undefined): string {
  const rows = model.latest.map((one) => [String(one.version), one.stage, one.aliases.join(", ") || "-", cell(one.source)]);
  return (
    lines([
      ["model", model.name],
      ["about", model.description],
      ["aliases", aliasesText(model)],
      ["decided by", model.gated ? "gates: champion and challenger" : "people"],
      ["tags", tagsText(model.tags).join(" ") || null],
      ["changed (UTC)", instant(model.updatedAt)],
    ]) + (table(["newest of stage", "", "aliases", "source"], rows, width) || "it has no version yet\n")
  );
}

/** What is absent is said to be. */
function versionText(version: Version, papers: Omit<Papers, "model" | "version">): string {
  const { license, signature, example, dependencies, code } = papers;
  const schema = (columns: unknown) =>
    Array.isArray(columns) ? columns.map(columnText).join(", ") || "none" : columns === null ? "absent" : cell(columns);
  return lines([
    ["version", `${version.name}@${version.version}`],
    ["about", version.description],
    ["stage", version.stage],
    ["aliases", version.aliases.join(", ") || "-"],
    ["source", version.source],
    ["registered (UTC)", `${instant(version.createdAt)}${version.actor === null ? "" : ` by ${version.actor}`}`],
    ...(version.passed === null ? [] : [["gate", version.passed ? "passed" : "refused"] as const]),
    ["licence", license],
    ["inputs", schema(signature?.inputs ?? null)],
    ["outputs", schema(signature?.outputs ?? null)],
    ["params", schema(signature?.params ?? null)],
    ["example", example === null ? null : cell(example).slice(0, 200)],
    ["dependencies", dependencies === null ? null : dependencies.join(" ") || "none beside the platform"],
    ["code", code],
    ["run", version.runId],
    ["tags", tagsText(version.tags).join(" ") || null],
  ]);
}

/** Of columns and tensors, as signatures list them. */
function columnText(column: Record<string, unknown>): string {
  const { name, type, required, "tensor-spec": tensor } = column;
  const kind = tensor === undefined ? cell(type) : cell(tensor);
  return `${name === undefined ? "" : `${cell(name)} `}${kind}${required === false ? " (optional)" : ""}`;
}

const lines = (rows: readonly (readonly [string, string | null])[]) =>
  `${alignRows(rows.map(([name, value]) => [name, value === null ? "absent" : cell(value)])).join("\n")}\n`;

function happened({ what, version, name, model, detail }: Entry): string {
  const of = version === null ? model : `${model}@${version}`;
  const stated = detail.stage ?? detail.value ?? detail.license ?? detail.source;
  return cell([what, of, name ?? "", typeof stated === "string" ? stated.slice(0, 80) : ""].filter(Boolean).join(" "));
}
