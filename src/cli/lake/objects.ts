import type { Command } from "../command.ts";
import { cell, table } from "../table.ts";
import { readAddress } from "./address.ts";
import { moreText, pageFlags } from "./page.ts";

export const ls: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const page = await withVerbs((call) =>
    call("listObjects", {
      repository,
      ref,
      prefix: operands[1],
      ...(flags.recursive ? {} : { delimiter: "/" }),
      ...pageFlags(flags),
    }),
  );
  output.result(page, () => {
    const rows = page.items.map(({ path, entry }) => [
      entry === null ? "" : entry.sizeBytes.toLocaleString("en"),
      entry === null ? "" : entry.modifiedAt.slice(0, 19).replace("T", " "),
      cell(path),
    ]);
    return (table(["bytes", "modified (UTC)", "path"], rows) || "nothing is there\n") + moreText(page);
  });
  return undefined;
};

export const rm: Command = async ({ operands, flags, output, withVerbs }) => {
  const { repository, ref } = readAddress(operands[0]!);
  const paths = operands.slice(1);
  const { removed } = await withVerbs(async (call) => {
    if (!flags.recursive) return call("removeObjects", { repository, branch: ref, paths });
    let removed = 0;
    for (const prefix of paths) removed += (await call("removeObjects", { repository, branch: ref, prefix })).removed;
    return { removed };
  });
  output.result({ removed }, () => `${removed.toLocaleString("en")} removed on ${ref}; mill lake commit makes it a version\n`);
  return undefined;
};
