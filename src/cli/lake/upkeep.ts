import { MillError, shortDigest } from "../../base/index.ts";
import { EXIT, type OutputOf } from "../../contract/index.ts";
import { type Command, type CommandContext, textFlag } from "../command.ts";
import { cell, moment, table } from "../table.ts";
import { readAddress } from "./address.ts";
import { lastLine } from "./lines.ts";
import { moreText, pageFlags } from "./page.ts";

export const locks: Command = async ({ operands, flags, output, withVerbs }) => {
  const page = await withVerbs((call) => call("listLocks", { repository: operands[0], ...pageFlags(flags) }));
  output.result(page, () => {
    const rows = page.items.map(({ branch, prefix, holder, why, until }) => [
      branch,
      cell(prefix),
      cell(holder),
      moment(until),
      cell(why),
    ]);
    return (table(["branch", "below", "holder", "until (UTC)", "why"], rows) || "nothing is locked\n") + moreText(page);
  });
  return undefined;
};

export const lock: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const fields = {
    repository,
    branch: ref,
    prefix: operands[1],
    why: textFlag(flags, "why"),
    minutes: numberFlag(flags, "minutes"),
  };
  const held = await withVerbs((call) => call("takeLock", fields));
  output.result(
    held,
    () => `${held.holder} holds ${held.branch}${held.prefix && ` below ${cell(held.prefix)}`} until ${moment(held.until)} UTC\n`,
  );
  return undefined;
};

export const unlock: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const fields = { repository, branch: ref, prefix: operands[1] };
  const gone = await withVerbs((call) => (flags.force ? call("breakLock", fields) : call("releaseLock", fields)));
  output.result(gone, () => `${gone.branch}${gone.prefix && ` below ${cell(gone.prefix)}`} is free\n`);
  return undefined;
};

export const hooks: Command = async ({ operands, flags, output, withVerbs }) => {
  const page = await withVerbs((call) => call("listHooks", { repository: operands[0], ...pageFlags(flags) }));
  output.result(page, () => {
    const rows = page.items.map(({ name, event, branches = [], last, files, table }) => [
      name,
      event,
      branches.join(", ") || "all",
      files ? "files" : table ? "table" : "webhook",
      last === null ? "" : resultOf(last),
      last === null ? "" : cell(last.detail),
    ]);
    return (table(["hook", "event", "branches", "kind", "last", "found"], rows) || "no hook\n") + moreText(page);
  });
  return undefined;
};

export const hookRuns: Command = async ({ operands, flags, output, withVerbs }) => {
  const page = await withVerbs((call) =>
    call("listHookRuns", { repository: operands[0], hook: textFlag(flags, "hook"), ...pageFlags(flags) }),
  );
  output.result(page, () => {
    const rows = page.items.map((run) => [
      moment(run.at),
      run.hook,
      run.branch,
      shortDigest(run.commit),
      resultOf(run),
      cell(run.detail),
    ]);
    return (table(["when (UTC)", "hook", "branch", "commit", "result", "found"], rows) || "no hook has run\n") + moreText(page);
  });
  return undefined;
};

const resultOf = ({ passed }: { readonly passed: boolean | null }) => (passed === null ? "open" : passed ? "passed" : "FAILED");

export const hook: Command = async ({ operands, flags, output, withVerbs }) => {
  const [repository, name] = operands;
  if (flags.delete) {
    const gone = await withVerbs((call) => call("deleteHook", { repository, hook: name }));
    output.result(gone, () => `hook ${gone.hook} is gone\n`);
    return undefined;
  }
  const url = textFlag(flags, "webhook");
  const made = await withVerbs((call) =>
    call("putHook", {
      repository,
      name,
      event: textFlag(flags, "event"),
      branches: textFlag(flags, "branches")?.split(","),
      files: jsonFlag(flags, "files"),
      table: jsonFlag(flags, "table"),
      webhook: url === undefined ? undefined : { url },
    }),
  );
  output.result(made, () => `hook ${made.name}: ${made.event} of ${made.branches?.join(", ") || "all branches"}\n`);
  return undefined;
};

export const retention: Command = async ({ operands, flags, output, withVerbs }) => {
  const repository = operands[0];
  const rule = retentionFlags(flags);
  const now = await withVerbs((call) =>
    rule === undefined ? call("getRetention", { repository }) : call("setRetention", { repository, rule }),
  );
  output.result(now, () => retentionText(now.rule));
  return undefined;
};

/** undefined: nothing is to be changed. */
function retentionFlags(flags: CommandContext["flags"]) {
  if (flags.forever) return null;
  const [keepDays, branches] = [numberFlag(flags, "days"), textFlag(flags, "branches")];
  if (keepDays === undefined && branches === undefined && !flags["free-tags"]) return undefined;
  return {
    ...(keepDays !== undefined && { keepDays }),
    ...(branches !== undefined && { branches: branches.split(",").map(branchDays) }),
    ...(flags["free-tags"] && { keepTags: false }),
  };
}

function branchDays(text: string) {
  const [, branch, days] = /^([^=]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (branch !== undefined) return { branch, keepDays: Number(days) };
  throw new MillError("cli.usage", `"${text}" is not BRANCH=DAYS.`, {
    expected: "as in main=365,release-*=3650",
    got: text,
    fix: "See mill lake retention --help.",
  });
}

function retentionText(rule: OutputOf<"getRetention">["rule"]): string {
  if (rule === null) return "every commit is kept for ever\n";
  const rows = [
    ...(rule.branches ?? []).map(({ branch, keepDays }) => [branch, `${keepDays} days`]),
    ["other branches", rule.keepDays === undefined ? "for ever" : `${rule.keepDays} days`],
    ["tagged commits", rule.keepTags === false ? "as the others" : "for ever"],
  ];
  return table(["commits of", "are kept"], rows);
}

export const collect: Command = async (context) => {
  const { flags, output, signal, withVerbs } = context;
  const input = { remove: flags.remove === true, graceHours: numberFlag(flags, "grace") };
  const { collection } = await withVerbs((call) =>
    lastLine(
      call("collect", input, { signal }),
      "collected",
      context,
      ({ phase, objects }) => `${phase}: ${count(objects)} objects`,
    ),
  );
  output.result(collection, () => {
    const { dryRun, objects, bytes, kept, commits, uploads, id } = collection;
    const also = [commits > 0 && `${count(commits)} commits given up`, uploads > 0 && `${count(uploads)} uploads ended`];
    const done = dryRun ? "would be removed; --remove does it" : "removed";
    return `${[`${count(objects)} objects of ${count(bytes)} bytes ${done}`, `${count(kept)} kept`, ...also.filter(Boolean)].join(", ")}\nmill lake collections ${id} names them\n`;
  });
  return undefined;
};

export const collections: Command = async ({ operands, flags, output, signal, withVerbs }) => {
  const [id] = operands;
  if (id !== undefined) {
    await withVerbs(async (call) => {
      for await (const { digest, sizeBytes, lastPut, why } of call("showCollection", { collection: id }, { signal }))
        if (output.json) output.line({ digest, sizeBytes, lastPut, why });
        else output.result(null, () => `${digest} ${sizeBytes} ${lastPut} ${why}\n`);
    });
    return undefined;
  }
  const page = await withVerbs((call) => call("listCollections", pageFlags(flags)));
  output.result(page, () => {
    const rows = page.items.map(({ id, dryRun, objects, bytes, kept, commits, startedAt, endedAt }) => [
      id,
      moment(startedAt),
      endedAt === null ? "open" : dryRun ? "told" : "removed",
      ...[objects, bytes, kept, commits].map(count),
    ]);
    return (
      (table(["collection", "when (UTC)", "", "objects", "bytes", "kept", "commits"], rows) || "no collection yet\n") +
      moreText(page)
    );
  });
  return undefined;
};

export const verify: Command = async (context) => {
  const { operands, flags, output, effects, signal, withVerbs } = context;
  const input = { repository: operands[0], content: flags.content === true };
  const found = await withVerbs((call) =>
    lastLine(call("verify", input, { signal }), "verified", context, (line) => {
      if (line.event === "progress")
        return `${line.repository}: ${count(line.commits)} commits, ${count(line.nodes)} nodes, ${count(line.objects)} objects`;
      effects.stderr(
        `FAULT ${cell([line.repository, line.at, line.path, line.digest].filter(Boolean).join(" "))}: ${cell(line.what)}\n`,
      );
      return null;
    }),
  );
  output.result(found, () => {
    const { repositories, commits, nodes, objects, bytes, faults } = found;
    const all = `${count(repositories)} repositories, ${count(commits)} commits, ${count(nodes)} nodes, ${count(objects)} objects of ${count(bytes)} bytes`;
    return `${all}: ${faults === 0 ? "all is there" : `${count(faults)} faults`}\n`;
  });
  return found.faults > 0 ? EXIT.data : EXIT.done;
};

const count = (value: number) => value.toLocaleString("en");

/** Errors: `cli.usage`. */
function numberFlag(flags: CommandContext["flags"], name: string): number | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new MillError("cli.usage", `--${name} needs a number.`, {
    expected: "a number such as 7 or 0.5",
    got: text,
    fix: "See the command's --help.",
  });
}

/** Errors: `cli.usage`. */
function jsonFlag(flags: CommandContext["flags"], name: string): unknown {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillError("cli.usage", `--${name} needs JSON.`, {
      expected: "an object, as the example of --help shows",
      got: text.slice(0, 200),
      fix: "Quote it for the shell, with ' around it.",
      cause,
    });
  }
}
