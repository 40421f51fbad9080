import { shortDigest } from "../../base/index.ts";
import type { Command } from "../command.ts";
import { table } from "../table.ts";
import { readAddress } from "./address.ts";
import { moreText, pageFlags } from "./page.ts";

export const branches: Command = async ({ operands, flags, output, withVerbs }) => {
  const page = await withVerbs((call) => call("listBranches", { repository: operands[0], ...pageFlags(flags) }));
  output.result(page, () => {
    const rows = page.items.map(({ name, head, protected: is }) => [name, shortDigest(head), is ? "protected" : ""]);
    return table(["branch", "head", ""], rows) + moreText(page);
  });
  return undefined;
};

export const branch: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const name = operands[1]!;
  if (flags.delete) {
    const gone = await withVerbs((call) => call("deleteBranch", { repository, branch: name }));
    output.result(gone, () => `branch ${name} is gone\n`);
    return undefined;
  }
  const made = await withVerbs((call) => call("createBranch", { repository, branch: name, from: ref }));
  output.result(made, () => `branch ${made.name} at ${shortDigest(made.head)}\n`);
  return undefined;
};

export const protect: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const now = await withVerbs((call) => call("protectBranch", { repository, branch: ref, on: !flags.off }));
  output.result(
    now,
    () => `branch ${now.name} is ${now.protected ? "protected: it changes by merges and reverts alone" : "open"}\n`,
  );
  return undefined;
};

export const tags: Command = async ({ operands, flags, output, withVerbs }) => {
  const page = await withVerbs((call) => call("listTags", { repository: operands[0], ...pageFlags(flags) }));
  output.result(page, () => {
    const rows = page.items.map(({ name, commit, createdAt }) => [
      name,
      shortDigest(commit),
      createdAt.slice(0, 19).replace("T", " "),
    ]);
    return table(["tag", "commit", "made (UTC)"], rows) + moreText(page);
  });
  return undefined;
};

export const tag: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const name = operands[1]!;
  if (flags.delete) {
    const gone = await withVerbs((call) => call("deleteTag", { repository, tag: name }));
    output.result(gone, () => `tag ${name} is gone\n`);
    return undefined;
  }
  const made = await withVerbs((call) => call("createTag", { repository, tag: name, ref }));
  output.result(made, () => `tag ${made.name} at ${shortDigest(made.commit)}\n`);
  return undefined;
};
