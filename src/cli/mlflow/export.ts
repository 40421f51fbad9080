import { formatSpan } from "../../base/index.ts";
import { exportToFolder, exportToServer, folderOf, isAddress } from "../../protocols/index.ts";
import type { Command } from "../command.ts";
import { createTransferProgress } from "../lake/transfer-progress.ts";
import { access } from "./access.ts";
import { reportText } from "./report-text.ts";

export const command: Command = async (context) => {
  const { operands, output, effects, signal, withVerbs } = context;
  const startedMs = performance.now();
  const given = await access(context, operands[0]!);
  const progress = createTransferProgress(effects, output.json, "things");
  try {
    const report = await withVerbs((call) => {
      const options = { signal, step: progress.files };
      return isAddress(given.place)
        ? exportToServer({ ...given, address: given.place }, call, options)
        : exportToFolder(folderOf(given.place), call, options);
    });
    progress.close();
    const wallMs = Math.round(performance.now() - startedMs);
    output.result(
      { target: given.name, ...report, wallMs },
      () => `${given.name} in ${formatSpan(wallMs)}\n${reportText(report)}`,
    );
    return undefined;
  } finally {
    progress.close();
  }
};
