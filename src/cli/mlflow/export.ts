import { formatSpan } from "../../base/index.ts";
import { exportToFolder } from "../../protocols/index.ts";
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
    const report = await withVerbs((call) => exportToFolder(given.place, call, { signal, step: progress.files }));
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
