/** A registered model: its versions, the papers of one, and what happened to it. */
import { MillError } from "../../../base/index.ts";
import type { OutputOf } from "../../../contract/index.ts";
import type { BoundCall } from "../../../guard/index.ts";
import { type Asked, address, one, runPath } from "../experiments/address.ts";
import { html, type Markup } from "../html.ts";
import { table } from "../table.ts";
import { frame, modelPath, momentText, pairsText, stated } from "./frame.ts";

type Version = OutputOf<"getRegisteredVersion">;
type Papers = OutputOf<"getVersionPapers">;
type Entry = OutputOf<"getModelLedger">["items"][number];

const VERSIONS_MAX = 100;
const ENTRIES_MAX = 50;

/** One that was deleted still has what happened to it. Errors: `registry.unknown-model`, `registry.unknown-version`. */
export async function modelPage(call: BoundCall, name: string, asked: Asked) {
  const before = one(asked, "before");
  const ledger = await call("getModelLedger", { model: name, limit: ENTRIES_MAX, ...(before && { cursor: before }) });
  const model = await call("getRegisteredModel", { model: name }).catch((thrown) => {
    if (thrown instanceof MillError && thrown.code === "registry.unknown-model") return null;
    throw thrown;
  });
  const told = html`<h3>What happened <small>newest first; times are UTC</small></h3>${renderLedger(ledger.items)}
${ledger.next && html`<p><a href="${address(modelPath(name), { before: ledger.next })}">What happened before</a></p>`}`;
  if (model === null) return { status: 200, ...frame(name, html`<h2>${name} <small>deleted</small></h2>${told}`) };

  const filter = `name = '${name.replaceAll("'", "''")}'`;
  const { items: versions } = await call("searchRegisteredVersions", {
    filter,
    orderBy: ["version_number DESC"],
    limit: VERSIONS_MAX,
  });
  const shown = await shownOf(call, name, versions, one(asked, "version"));
  return {
    status: 200,
    ...frame(
      name,
      html`<h2>${name} <small>${model.gated ? "gates decide what is champion and challenger" : "registered by people"}${Object.keys(model.aliases).length > 0 && html`; ${pairsText(model.aliases)}`}</small></h2>
${model.description && html`<p class="note">${model.description}</p>`}
${Object.keys(model.tags).length > 0 && html`<p class="quiet">${pairsText(model.tags)}</p>`}
${shown && renderPapers(...shown)}
<h3>Versions</h3>${versions.length > 0 ? renderVersions(versions) : html`<p>None yet.</p>`}
${told}`,
    ),
  };
}

/** The version that is asked for, else the newest. */
async function shownOf(call: BoundCall, model: string, versions: readonly Version[], asked: string | undefined) {
  const wanted = asked !== undefined && /^[1-9]\d{0,8}$/.test(asked) ? Number(asked) : versions[0]?.version;
  if (wanted === undefined) return null;
  const [version, papers] = await Promise.all([
    call("getRegisteredVersion", { model, version: wanted }),
    call("getVersionPapers", { model, version: wanted }),
  ]);
  const run = version.runId === null ? null : await call("getTrackedRun", { run: version.runId }).catch(() => null); // it may be gone
  return [version, papers, run] as const;
}

function renderPapers(version: Version, papers: Papers, run: OutputOf<"getTrackedRun"> | null): Markup {
  const { license, signature, example, dependencies, code } = papers;
  const schema = (columns: unknown) =>
    Array.isArray(columns) ? columns.map(columnText).join(", ") || "none" : columns === null ? null : JSON.stringify(columns);
  const rows: (readonly [string, string | Markup])[] = [
    ["licence", stated(license)],
    ["inputs", stated(schema(signature?.inputs ?? null))],
    ["outputs", stated(schema(signature?.outputs ?? null))],
    ["params", stated(schema(signature?.params ?? null))],
    ["example", example === null ? stated(null) : html`<code>${JSON.stringify(example).slice(0, 500)}</code>`],
    ["dependencies", stated(dependencies && (dependencies.join(", ") || "none beside the platform"))],
    ["code", stated(code)],
    ["run", run ? html`<a href="${runPath(run.experimentId, run.id)}">${run.name}</a>` : stated(version.runId)],
    ["source", version.source],
  ];
  return html`<h3>Version ${String(version.version)} <small>${version.stage}${version.actor !== null && `, by ${version.actor}`}, ${momentText(version.createdAt)} UTC</small></h3>
${version.description && html`<p class="note">${version.description}</p>`}
<div class="scroll">${table(["paper", ""], rows, undefined, "texts")}</div>`;
}

/** Of columns and tensors, as signatures list them. */
function columnText(column: Record<string, unknown>): string {
  const { name, type, required, "tensor-spec": tensor } = column;
  const kind = tensor === undefined ? String(type) : JSON.stringify(tensor);
  return `${name === undefined ? "" : `${String(name)} `}${kind}${required === false ? " (optional)" : ""}`;
}

const renderVersions = (versions: readonly Version[]): Markup =>
  html`<div class="scroll">${table(
    ["version", "aliases", "stage", "gate", "registered", "by", "source"],
    versions.map(({ name, version, aliases, stage, passed, createdAt, actor, source }) => [
      html`<a href="${address(modelPath(name), { version: String(version) })}">${String(version)}</a>`,
      aliases.join(", "),
      stage,
      passed === null ? "" : passed ? "passed" : "refused",
      momentText(createdAt),
      actor ?? "a run of the platform",
      source,
    ]),
    undefined,
    "texts",
  )}</div>`;

const renderLedger = (entries: readonly Entry[]): Markup =>
  html`<div class="scroll">${table(
    ["when", "who", "what", "of", "", "why"],
    entries.map(({ at, actor, what, model, version, name, detail, why }) => [
      momentText(at),
      actor,
      what,
      version === null ? model : `${model}@${version}`,
      [name ?? "", textIn(detail)].filter(Boolean).join(" = ").slice(0, 200),
      why ?? "",
    ]),
    undefined,
    "texts",
  )}</div>`;

/** The one thing that an entry says beside what and of what. */
function textIn({ stage, value, license, source }: Entry["detail"]): string {
  const said = stage ?? value ?? license ?? source;
  return typeof said === "string" ? said : "";
}
