import { shortDigest } from "../../base/index.ts";
import type { Command } from "../command.ts";
import { textFlag } from "../command.ts";
import { cell, moment, table } from "../table.ts";
import { moreText, pageFlags } from "./page.ts";

export const list: Command = async ({ flags, output, withVerbs }) => {
  const page = await withVerbs((call) => call("listRepositories", pageFlags(flags)));
  output.result(page, () => {
    const rows = page.items.map(({ name, bucketBranch, createdAt, createdBy }) => [
      name,
      bucketBranch === null ? "REF/PATH" : `PATH on ${bucketBranch}`,
      moment(createdAt),
      cell(createdBy),
    ]);
    return (
      (table(["repository", "bucket shows", "made (UTC)", "by"], rows) || "no repository yet: mill lake create NAME\n") +
      moreText(page)
    );
  });
  return undefined;
};

export const create: Command = async ({ operands, flags, output, withVerbs }) => {
  const made = await withVerbs((call) =>
    call("createRepository", { name: operands[0], bucketBranch: textFlag(flags, "bucket") }),
  );
  output.result(made, () => `repository ${made.name}, branch ${made.defaultBranch}\n`);
  return undefined;
};

export const show: Command = async ({ operands, output, withVerbs }) => {
  const found = await withVerbs((call) => call("getRepository", { repository: operands[0] }));
  output.result(found, () =>
    table(
      ["", ""],
      [
        ["repository", found.name],
        ["default branch", found.defaultBranch],
        ["head", shortDigest(found.head)],
        ["objects", found.objects.toLocaleString("en")],
        ["bucket shows", found.bucketBranch === null ? "REF/PATH" : `PATH on ${found.bucketBranch}`],
        ["made", `${moment(found.createdAt)} by ${found.createdBy}`],
      ],
    ),
  );
  return undefined;
};

export const remove: Command = async ({ operands, output, withVerbs }) => {
  const gone = await withVerbs((call) => call("deleteRepository", { repository: operands[0] }));
  output.result(gone, () => `repository ${gone.repository} is gone; mill lake collect frees what only it held\n`);
  return undefined;
};
