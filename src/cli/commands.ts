/** Every command; what help says of a verb stands in the verb table. */
import { VERBS } from "../contract/index.ts";
import type { CommandInfo } from "./command.ts";

export const COMMANDS: Readonly<Record<string, CommandInfo>> = {
  init: {
    about: "Write a project that trains on a file of yours; without a file, one that shows how.",
    example: "mill init churn --from customers.csv --label churned",
    operands: "[DIR]",
    operandsMax: 1,
    flags: {
      from: { about: "The data: CSV, Parquet, NDJSON or JSON.", value: "FILE" },
      label: { about: "The column to predict; default: the last one that can be.", value: "COLUMN" },
    },
    load: () => import("./init/init.ts"),
  },
  plan: {
    about: VERBS.plan.about,
    example: VERBS.plan.example,
    operands: "[TARGET ...]",
    operandsMax: Number.POSITIVE_INFINITY,
    load: () => import("./plan.ts"),
  },
  run: {
    about: VERBS.run.about,
    example: VERBS.run.example,
    operands: "[TARGET ...]",
    operandsMax: Number.POSITIVE_INFINITY,
    flags: { reason: { about: "Why, for the record.", value: "TEXT" } },
    load: () => import("./run.ts"),
  },
  up: {
    about: "Serve the API and the page, until stopped.",
    example: "mill up --run --port 8080",
    operands: "",
    operandsMax: 0,
    flags: { run: { about: "First make what is not current." } },
    load: () => import("./up.ts"),
  },
  status: {
    about: VERBS.status.about,
    example: VERBS.status.example,
    operands: "[TARGET]",
    operandsMax: 1,
    load: () => import("./status.ts"),
  },
  log: {
    about: VERBS.log.about,
    example: VERBS.log.example,
    operands: "TARGET|RUN",
    operandsMin: 1,
    operandsMax: 1,
    flags: { limit: { about: "Entries at most, 1 to 1000.", value: "N" } },
    load: () => import("./log.ts"),
  },
  diff: {
    about: VERBS.diff.about,
    example: VERBS.diff.example,
    operands: "NAME@VERSION NAME@VERSION",
    operandsMin: 2,
    operandsMax: 2,
    load: () => import("./diff.ts"),
  },
  predict: {
    about: VERBS.predict.about,
    example: VERBS.predict.example,
    operands: "ENDPOINT",
    operandsMin: 1,
    operandsMax: 1,
    flags: {
      row: { about: "One row.", value: "JSON" },
      file: { about: "Rows: a JSON list, or an object a line; - reads standard input.", value: "FILE" },
    },
    load: () => import("./predict.ts"),
  },
  check: {
    about: VERBS.check.about,
    example: VERBS.check.example,
    operands: "[DATASET]",
    operandsMax: 1,
    load: () => import("./check.ts"),
  },
  token: {
    about: "Print the admin token, or replace it.",
    example: VERBS.newToken.example,
    operands: "",
    operandsMax: 0,
    flags: { new: { about: `${VERBS.newToken.about}` } },
    load: () => import("./token.ts"),
  },
  doctor: {
    about: "Look for what would keep Millwright from working here.",
    example: "mill doctor",
    operands: "",
    operandsMax: 0,
    load: () => import("./doctor.ts"),
  },
};
