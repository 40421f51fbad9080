import { MillError, shortDigest } from "../../base/index.ts";
import { EXIT, type OutputOf } from "../../contract/index.ts";
import { type Command, type CommandContext, textFlag } from "../command.ts";
import { cell, table } from "../table.ts";
import { readAddress } from "./address.ts";
import { moreText, pageFlags } from "./page.ts";

export const status: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const page = await withVerbs((call) => call("listStaged", { repository, branch: ref, ...pageFlags(flags) }));
  output.result(page, () => differencesText(page) || `nothing is staged on ${ref}\n`);
  return undefined;
};

export const commit: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const message = textFlag(flags, "message");
  if (message === undefined) throw noMessage();
  const made = await withVerbs((call) => call("commit", { repository, branch: ref, message, expect: textFlag(flags, "expect") }));
  output.result(made, () => `commit ${shortDigest(made.id)} on ${ref}\n`);
  return undefined;
};

export const reset: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const [prefix, to, expect] = ["prefix", "to", "expect"].map((name) => textFlag(flags, name));
  const now = await withVerbs((call) => call("resetBranch", { repository, branch: ref, prefix, to, expect }));
  output.result(now, () => `branch ${now.name} at ${shortDigest(now.head)}\n`);
  return undefined;
};

export const log: Command = async ({ operands, flags, output, effects, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const page = await withVerbs((call) =>
    call("listCommits", { repository, ref, path: textFlag(flags, "path"), ...pageFlags(flags) }),
  );
  output.result(page, () => {
    const rows = page.items.map(({ id, author, createdAt, parents, message }) => [
      shortDigest(id),
      createdAt.slice(0, 19).replace("T", " "),
      cell(author),
      `${parents.length > 1 ? "merge: " : ""}${cell(message)}`,
    ]);
    return table(["commit", "when (UTC)", "author", "message"], rows, effects.width) + moreText(page);
  });
  return undefined;
};

export const diff: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref: before } = readAddress(operands[0]!);
  const after = operands[1]!.replace(/^.*@/, "");
  if (operands[1]!.includes("@") && readAddress(operands[1]!).repository !== repository) throw otherRepository(operands);
  const found = await withVerbs((call) =>
    call("diffRefs", { repository, before, after, rows: true, prefix: textFlag(flags, "prefix"), ...pageFlags(flags) }),
  );
  output.result(found, () => tablesText(found.tables ?? []) + differencesText(found) || `${before} and ${after} hold the same\n`);
  return undefined;
};

type Verb = "merge" | "revert" | "cherryPick";

/** `mill lake merge REPOSITORY@REF BRANCH`, the others `REPOSITORY@BRANCH COMMIT`. Conflicts end with the exit code of a refusal. */
const bringIn =
  (verb: Verb): Command =>
  async ({ operands, flags, output, withVerbs }) => {
    const { repository, ref } = readAddress(operands[0]!);
    const other = operands[1]!;
    const branch = verb === "merge" ? other : ref;
    const fields = { repository, branch, ...mergeFlags(flags) };
    const outcome = await withVerbs((call) => {
      if (verb === "merge") return call("merge", { ...fields, from: ref });
      return verb === "revert" ? call("revert", { ...fields, commit: other }) : call("cherryPick", { ...fields, commit: other });
    });
    output.result(outcome, () => outcomeText(outcome, branch));
    return outcome.conflicts.length > 0 ? EXIT.conflict : EXIT.done;
  };

export const merge = bringIn("merge");
export const revert = bringIn("revert");
export const cherryPick = bringIn("cherryPick");

function mergeFlags(flags: CommandContext["flags"]) {
  const sides = (["ours", "theirs"] as const).flatMap((side) =>
    (textFlag(flags, side)?.split(",") ?? []).map((path) => [path, side] as const),
  );
  return {
    message: textFlag(flags, "message"),
    expect: textFlag(flags, "expect"),
    strategy: textFlag(flags, "strategy"),
    ...(sides.length > 0 && { resolutions: Object.fromEntries(sides) }),
    ...(flags.files && { rows: false }),
  };
}

function outcomeText({ merged, commit, conflicts }: OutputOf<"merge">, branch: string): string {
  if (merged) return `commit ${shortDigest(commit!.id)} on ${branch}\n`;
  if (conflicts.length === 0) return `${branch} has all of it already\n`;
  const told = (entry: object | null, base: object | null) => (entry === null ? "removed" : base === null ? "added" : "changed");
  const rows = conflicts.map(({ path, base, ours, theirs, rows }) => [
    cell(path),
    told(ours, base),
    told(theirs, base),
    rows === undefined ? "" : rows.toLocaleString("en"),
  ]);
  return `${table(["in conflict", "ours", "theirs", "rows"], rows)}nothing was merged: choose with --strategy ours|theirs, or by path with --ours PATHS and --theirs PATHS\n`;
}

type Differences = Pick<OutputOf<"diffRefs">, "items" | "next">;

function differencesText(page: Differences): string {
  const rows = page.items.map(({ kind, path, before, after }) => [
    kind,
    (after ?? before)!.sizeBytes.toLocaleString("en"),
    cell(path),
  ]);
  return table(["", "bytes", "path"], rows) + moreText(page);
}

function tablesText(tables: NonNullable<OutputOf<"diffRefs">["tables"]>): string {
  const number = (value: number | undefined) => value?.toLocaleString("en") ?? "-";
  return table(
    ["table", "rows added", "removed", "changed", ""],
    tables.map(({ table, rows, note }) => [
      table || "/",
      number(rows?.added),
      number(rows?.removed),
      number(rows?.changed),
      note ?? "",
    ]),
  );
}

const noMessage = () =>
  new MillError("cli.usage", "A commit needs a message.", {
    expected: "--message TEXT",
    got: "nothing",
    fix: "Say in a sentence why, with --message.",
  });

const otherRepository = (operands: readonly string[]) =>
  new MillError("cli.usage", "A diff is within one repository.", {
    expected: "two refs of one repository",
    got: operands.join(" "),
    fix: "Name the same repository, or only the ref, behind the first.",
  });
