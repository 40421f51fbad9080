/**
 * Versions of the definitions. What `mill.ts` came to when a run was asked for is kept under the digest of its text, so that a run can be carried out by it
 * again although `mill.ts` has changed since; see decisions/definitions-by-what-they-say.md.
 */
import { type Digest, digestOf, isId, MillError, shortDigest } from "../../base/index.ts";
import { definitionsText, type Project, projectOf } from "../../define/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import type { GraphNode } from "../graph-node.ts";
import type { Workspace } from "../workspace.ts";

export interface Definitions {
  readonly version: Digest;
  /** As `definitionsText` writes them. */
  readonly text: string;
  readonly project: Project;
}

/** Times are milliseconds since 1970. */
export interface DefinitionsRecord {
  readonly version: Digest;
  readonly firstRunAt: number;
  readonly firstRunBy: string;
  readonly lastRunAt: number;
  /** Of each kind of step, as `mill.ts` last was run by these definitions. */
  readonly revisions: Readonly<Record<string, number>>;
  /** The Millwright that did. */
  readonly millwright: string;
}

/** What `mill.ts` says now. Errors: those of loading it. */
export async function currentDefinitions({ project }: Pick<Workspace, "project">): Promise<Definitions> {
  const found = await project();
  const known = readBefore.get(found) ?? versioned(found);
  readBefore.set(found, known);
  return known;
}

/** A project is the same object until one of its files changes. */
const readBefore = new WeakMap<Project, Definitions>();

function versioned(project: Project): Definitions {
  const text = definitionsText(project);
  return { version: digestOf(text), text, project };
}

/**
 * Those that `named` names: the first 8 or more digits of a version, or the id of a run that was carried out by it; absent: what `mill.ts` says now.
 * Errors: `definitions.unknown`, `definitions.ambiguous`, `define.other-form`, `run.unknown`.
 */
export async function definitionsNamed(workspace: Workspace, named?: string): Promise<Definitions> {
  if (named === undefined) return currentDefinitions(workspace);
  const version = isId(named) ? (await workspace.ledger.getRun(named)).run.definitions : named;
  if (version === null) throw unknown(named, "the run is older than versions of definitions are");
  const [, digits] = /^(?:sha256:)?([0-9a-f]{8,64})$/.exec(version) ?? [];
  if (digits === undefined) throw unknown(named, "this is none of their names");
  const { records, projectFolder } = workspace;
  const found = await records.query<{ version: Digest; content: string }>(
    "SELECT version, content FROM definitions WHERE version >= ? AND version < ? ORDER BY version LIMIT 2",
    [`sha256:${digits}`, `sha256:${digits}g`],
  );
  if (found.length > 1)
    throw new MillError("definitions.ambiguous", `More than one version of the definitions begins with ${digits}.`, {
      expected: found.map(({ version }) => version.slice(7, 27)).join(" or "),
      got: named,
      fix: "Give more digits of the version that is meant.",
    });
  if (found[0] === undefined) throw unknown(named, "no run was carried out by such a version");
  const { version: whole, content: text } = found[0];
  return { version: whole, text, project: projectOf(text, projectFolder) };
}

const unknown = (named: string, why: string) =>
  new MillError("definitions.unknown", `There is no version "${named}" of the definitions: ${why}.`, {
    expected: "8 or more digits of a version, or the id of a run",
    got: named,
    fix: "`mill definitions list` names them.",
  });

/**
 * That the code of the steps is what it was when these definitions were last run as those of `mill.ts`: with another, what they say would mean something else.
 * Errors: `definitions.outdated`.
 */
export async function requireSameSteps(workspace: Workspace, version: Digest, nodes: readonly GraphNode[]): Promise<void> {
  const record = await recordOf(workspace, version);
  const asked = new Set<string>(nodes.map(({ kind }) => kind));
  const changed = changedKinds(workspace, record).filter(({ kind, now }) => now === null || asked.has(kind));
  if (changed.length === 0) return;
  throw new MillError("definitions.outdated", `The definitions ${shortDigest(version)} cannot be carried out any more.`, {
    at: `definitions ${shortDigest(version)}`,
    expected: changed.map(({ kind, before }) => `${kind} at revision ${before}`).join(", "),
    got: changed.map(({ kind, now }) => (now === null ? `no step ${kind}` : `${kind} at revision ${now}`)).join(", "),
    fix: `Use the Millwright ${record.millwright} that ran them; or bring mill.ts to what they say, and run that: \`mill definitions show ${shortDigest(version)}\`.`,
  });
}

/** What a run that was cut off was asked for, to go on with it; null: the steps are not what they were when it began. */
export async function resumable(
  workspace: Workspace,
  runId: string,
): Promise<{ readonly targets: readonly string[]; readonly definitions: Digest } | null> {
  const { targets, definitions } = (await workspace.ledger.getRun(runId)).run;
  if (definitions === null || changedKinds(workspace, await recordOf(workspace, definitions)).length > 0) return null;
  return { targets, definitions };
}

/** Kinds of steps whose code is not what it was. */
export function changedKinds({ ledger }: Workspace, { revisions }: DefinitionsRecord): readonly ChangedKind[] {
  return Object.entries(revisions)
    .map(([kind, before]) => ({ kind, before, now: ledger.kinds.includes(kind) ? ledger.revisionOf(kind) : null }))
    .filter(({ before, now }) => before !== now);
}

export interface ChangedKind {
  readonly kind: string;
  readonly before: number;
  /** null: it is gone. */
  readonly now: number | null;
}

/** A run is carried out by these; `isCurrent`: because mill.ts says so, with the steps as they are now. */
export function runStatement(
  { ledger, now }: Workspace,
  { version, text }: Definitions,
  { actor, isCurrent, kinds }: { readonly actor: string; readonly isCurrent: boolean; readonly kinds: Iterable<string> },
): Statement {
  if (!isCurrent) return { sql: "UPDATE definitions SET last_run_at = ? WHERE version = ?", params: [now(), version] };
  const revisions = Object.fromEntries([...new Set(kinds)].sort().map((kind) => [kind, ledger.revisionOf(kind)]));
  return {
    sql: `INSERT INTO definitions (version, content, first_run_at, first_run_by, last_run_at, revisions, millwright) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (version) DO UPDATE SET last_run_at = excluded.last_run_at, revisions = excluded.revisions, millwright = excluded.millwright`,
    params: [version, text, now(), actor, now(), JSON.stringify(revisions), String(ledger.environment.millwright)],
  };
}

const RECORD = `SELECT version, first_run_at AS "firstRunAt", first_run_by AS "firstRunBy", last_run_at AS "lastRunAt", revisions, millwright FROM definitions`;
type Row = Omit<DefinitionsRecord, "revisions"> & { readonly revisions: string };
const toRecord = (row: Row): DefinitionsRecord => ({ ...row, revisions: JSON.parse(row.revisions) });

export async function recordOf({ records }: Pick<Workspace, "records">, version: Digest): Promise<DefinitionsRecord> {
  const [row] = await records.query<Row>(`${RECORD} WHERE version = ?`, [version]);
  return toRecord(row!);
}

/** Newest first. */
export const listDefinitions = async ({ records }: Pick<Workspace, "records">): Promise<DefinitionsRecord[]> =>
  (await records.query<Row>(`${RECORD} ORDER BY first_run_at DESC, version`)).map(toRecord);
