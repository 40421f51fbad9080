/** `mill import mlflow`: this process reads the source and tells the workspace by verbs, so that nothing is opened by a server because somebody named it. */
import { resolve } from "node:path";
import { formatSpan } from "../../base/index.ts";
import { EXIT } from "../../contract/index.ts";
import { importMlflow, openSource, type Report } from "../../protocols/index.ts";
import { type Command, textFlag } from "../command.ts";
import { createTransferProgress } from "../lake/transfer-progress.ts";
import { access } from "./access.ts";
import { reportText } from "./report-text.ts";

export const command: Command = async (context) => {
  const { operands, flags, output, effects, signal, withVerbs } = context;
  const startedMs = performance.now();
  const given = await access(context, operands[0]!);
  const artifacts = textFlag(flags, "artifacts");
  const dryRun = flags["dry-run"] === true;
  const progress = createTransferProgress(effects, output.json, "things");
  try {
    const report: Report = await withVerbs((call) =>
      importMlflow(
        (tell) =>
          openSource(given.place, {
            ...given,
            artifacts: artifacts === undefined ? null : resolve(effects.cwd, artifacts),
            tell,
            signal,
          }),
        call,
        { name: textFlag(flags, "as"), dryRun, signal, step: progress.files },
      ),
    );
    progress.close();
    const wallMs = Math.round(performance.now() - startedMs);
    output.result({ source: given.name, dryRun, ...report, wallMs }, () => {
      const head = dryRun ? `${given.name}, if it were imported:` : `${given.name} in ${formatSpan(wallMs)}`;
      return `${head}\n${reportText(report)}`;
    });
    return report.broken > 0 ? EXIT.data : EXIT.done;
  } finally {
    progress.close();
  }
};
