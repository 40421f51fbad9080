/** The model card: what a version is, where it comes from, how good it is and what it must not be used for, as Markdown for people. */
import type { AssessmentReport, PartReport } from "../assess/index.ts";
import type { Json } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";
import type { ProblemDefinition } from "../define/index.ts";
import type { Params } from "../learn/index.ts";
import { chainLines } from "../problem/index.ts";
import type { BundleManifest } from "./bundle.ts";
import { type CardPython, pythonText } from "./card-python.ts";
import type { Lineage } from "./registry.ts";
import { signatureOf } from "./signature.ts";

export interface CardFacts {
  readonly version: number;
  readonly problem: ProblemDefinition;
  readonly manifest: BundleManifest;
  readonly lineage: Lineage;
  /** Facts of the steps, by kind. */
  readonly trainingSet: Readonly<Record<string, Json>>;
  readonly training: Readonly<Record<string, Json>>;
  readonly proof: Readonly<Record<string, Json>>;
  readonly report: AssessmentReport;
  readonly verdict: Verdict;
  /** Where a Python script is the trainer. */
  readonly python?: CardPython;
  /** Where the trainer was searched for: every trial, the best first. */
  readonly trials?: readonly CardTrial[];
  /** How often the holdout of this data set has been read, this version included. */
  readonly holdoutReadings: number;
}

export interface CardTrial {
  /** From 0. */
  readonly trial: number;
  readonly estimator: string;
  readonly point: Params;
  readonly state: string;
  readonly value: number | null;
  readonly fitMs: number | null;
  readonly memoryBytes: number | null;
  readonly error: string | null;
}

export function writeCard(facts: CardFacts): string {
  const { manifest, problem, version } = facts;
  const sections = [
    `# ${manifest.model}, version ${version}`,
    purpose(problem),
    verdict(facts),
    quality(facts.report),
    data(facts),
    model(facts),
    script(facts),
    signature(facts),
    search(facts),
    risks(problem),
    lineage(facts),
  ];
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

function purpose(problem: ProblemDefinition): string {
  const lines = [
    ["Question", problem.question],
    ["Task", problem.task],
    ["Process", problem.process],
    ["Decision it informs", problem.decision],
    ["Owner", problem.owner],
    ["Gain per decision", problem.gain && `${gainText(problem.gain)} ${problem.currency ?? ""}`.trim()],
  ];
  return lines
    .filter(([, value]) => value)
    .map(([name, value]) => `- **${name}**: ${value}`)
    .join("\n");
}

const gainText = (gain: object) =>
  Object.entries(gain)
    .map(([outcome, money]) => `${outcome} ${money}`)
    .join(", ");

function verdict({ verdict, holdoutReadings }: CardFacts): string {
  const lines = chainLines({ passed: verdict.passed, chain: verdict.chain });
  const chain = lines.length > 0 ? lines.map((line) => `- ${line}`).join("\n") : "- no requirement is stated";
  const readings = `The holdout of this data set has been read ${holdoutReadings} ${holdoutReadings === 1 ? "time" : "times"}.`;
  return `## Gate: ${verdict.passed ? "passed" : "refused"}\n\n${chain}\n\n${readings}`;
}

function quality(report: AssessmentReport): string {
  const names = Object.keys(report.holdout.measures);
  const columns = ["holdout", "test", "constant, holdout"];
  const row = (name: string) => [
    name,
    number(report.holdout.measures[name]),
    number(report.test.measures[name]),
    number(report.holdout.constant[name]),
  ];
  const heading = `Rows: ${report.holdout.rows} holdout, ${report.test.rows} test.`;
  const threshold = report.threshold === null ? "" : ` Decision: probability >= ${number(report.threshold)}.`;
  return [
    `## Quality\n\n${heading}${threshold}`,
    table(["measure", ...columns], names.map(row)),
    confusion(report),
    slices(report.holdout),
  ]
    .filter(Boolean)
    .join("\n\n");
}

function confusion(report: AssessmentReport): string {
  const counts = report.holdout.confusion;
  if (counts === null) return "";
  return `Confusion on the holdout (row: true, column: predicted)\n\n${table(
    ["", ...report.classes],
    counts.map((row, index) => [report.classes[index]!, ...row.map(String)]),
  )}`;
}

function slices(part: PartReport): string {
  return Object.entries(part.slices)
    .map(([slice, groups]) => {
      const names = Object.keys(groups[0]?.measures ?? {});
      const rows = groups.map((group) => [group.value, String(group.rows), ...names.map((name) => number(group.measures[name]))]);
      return `By ${slice}\n\n${table([slice, "rows", ...names], rows)}`;
    })
    .join("\n\n");
}

function data({ manifest, trainingSet }: CardFacts): string {
  const part = (name: string) => {
    const { rows, from, to } = trainingSet[name] as { rows: number; from?: string; to?: string };
    return [name, String(rows), from ?? "", to ?? ""];
  };
  const parts = table(["part", "rows", "from", "to"], ["train", "test", "holdout"].map(part));
  const windows = Object.entries(trainingSet.windows as Record<string, { spanMicros: number; shortHistoryRows: number }>);
  const seen = windows.map(
    ([field, { spanMicros, shortHistoryRows }]) =>
      `- \`${field}\` looks back ${spanMicros / 3600e6} h; ${shortHistoryRows} rows are too early to have that much history`,
  );
  const unlabelled = Number(trainingSet.unlabelled);
  const license = `Data set \`${manifest.dataset.name}\`, licence: ${manifest.dataset.license ?? "not stated"}.`;
  return [
    `## Data\n\n${license}${unlabelled > 0 ? ` ${unlabelled} rows without a label were left out.` : ""}`,
    parts,
    seen.join("\n"),
  ]
    .filter(Boolean)
    .join("\n\n");
}

/** What was made of the features first, in the order of the steps. */
const prepared = (steps: BundleManifest["steps"]) =>
  (steps ?? [])
    .map(
      (step) =>
        `${step.map(({ use, columns }) => `\`${use}\` of ${typeof columns === "string" ? columns : columns.join(", ")}`).join(" and ")}, then `,
    )
    .join("");

const calibrated = (calibration: BundleManifest["calibration"]) =>
  calibration === undefined ? "" : `, its probabilities calibrated (${calibration.method}, ${calibration.folds} folds)`;

function model({ manifest, training, proof }: CardFacts): string {
  const importance = Object.entries(training.importance as Record<string, number>).sort(([, a], [, b]) => b - a);
  const proven =
    proof.proven === true
      ? `The ONNX graph was run beside the trained model on ${proof.rows} rows${manifest.python?.form === "onnx" ? "" : ", every decision edge among them"}: largest difference ${proof.largest === undefined ? "not a number" : Number(proof.largest).toExponential(1)}, ${proof.flips} different decisions.`
      : `The ONNX graph was not run beside the trained model: ${proof.why}.`;
  const parameters = Object.entries(manifest.params).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return [
    `## Model\n\n${prepared(manifest.steps)}\`${manifest.estimator}\` (${parameters.join(", ")})${calibrated(manifest.calibration)}, seed ${manifest.seed}. ${proven}`,
    ((training.warnings ?? []) as string[]).map((warning) => `Warning of the training: ${warning}`).join("\n\n"),
    manifest.threshold === null ? "" : `Threshold ${number(manifest.threshold)}: ${manifest.thresholdFrom}.`,
    importance.length === 0
      ? ""
      : table(
          ["feature", "importance"],
          importance.map(([name, share]) => [name, number(share)]),
        ),
  ]
    .filter(Boolean)
    .join("\n\n");
}

function signature({ manifest }: CardFacts): string {
  const { inputs, outputs } = signatureOf(manifest);
  const asked = inputs.map(({ name, type, required, unit }) => [name, type, required ? "yes" : "no", unit ?? ""]);
  const answered = outputs.map(({ name, type }) => `\`${name}\` (${type})`).join(" and ");
  const license = manifest.python?.license ?? manifest.dataset.license ?? "not stated";
  return `## Signature\n\nA row holds these columns; the answer is ${answered}. Licence: ${license}.\n\n${table(["column", "type", "required", "unit"], asked)}`;
}

function script({ manifest, python }: CardFacts): string {
  if (manifest.python === undefined || python === undefined) return "";
  const { text, packages } = pythonText(manifest.python, python);
  return `## Python\n\n${text}\n\n${table(["package", "version", "licence"], packages)}`;
}

function search({ manifest: { tuning }, trials = [] }: CardFacts): string {
  if (tuning === undefined) return "";
  const { metric, sampler, pruner, folds, space, why } = tuning;
  const dimensions = Object.entries(space).map(([name, dimension]) => [
    name,
    dimension.kind === "choice"
      ? dimension.values.map((value) => JSON.stringify(value)).join(", ")
      : `${dimension.kind === "integer" ? "whole numbers" : "numbers"} from ${dimension.from} to ${dimension.to}${dimension.scale === "log" ? ", by ratio" : ""}`,
    dimension.when === undefined ? "" : `${dimension.when.name} is ${dimension.when.is.join(" or ")}`,
  ]);
  const rows = trials.map(({ trial, estimator, point, state, value, fitMs, memoryBytes, error }) => [
    ...[
      String(trial + 1),
      estimator,
      Object.entries(point)
        .map(([name, one]) => `${name} ${one}`)
        .join(", "),
      state,
    ],
    ...[
      error ?? number(value),
      number(fitMs && fitMs / 1000),
      memoryBytes === null ? "-" : String(Math.round(memoryBytes / 2 ** 20)),
    ],
  ]);
  return [
    `## Search\n\nSampler ${sampler}, pruner ${pruner}, ${folds} folds of the training part. Chosen because ${why}.`,
    table(["parameter", "values", "where"], dimensions),
    table(["trial", "estimator", "tried", "state", metric, "fits, s", "memory, MB"], rows),
  ].join("\n\n");
}

function risks(problem: ProblemDefinition): string {
  if (problem.risks.length === 0) return "";
  const rows = problem.risks.map((risk) => [risk.what, risk.likelihood, risk.impact, risk.mitigation ?? "", risk.measure ?? ""]);
  return `## Risks\n\n${table(["what", "likelihood", "impact", "mitigation", "watched by"], rows)}`;
}

function lineage({ lineage, manifest }: CardFacts): string {
  const environment = Object.entries(manifest.environment)
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
  const steps = Object.entries(lineage.steps).map(([kind, key]) => [kind, `\`${key}\``]);
  return `## Lineage\n\nData set \`${lineage.dataset.name}\` version ${lineage.dataset.version}; ${environment}.\n\n${table(["step", "key"], steps)}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

const number = (value: number | null | undefined) =>
  value === null || value === undefined ? "-" : Number.isInteger(value) ? String(value) : value.toPrecision(4);
