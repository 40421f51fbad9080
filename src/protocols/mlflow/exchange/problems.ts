import { MillError } from "../../../base/index.ts";

export const sourceAway = (name: string, why: string, cause?: unknown) =>
  new MillError("import.source-away", `${name} does not answer as an MLflow server does: ${why}.`, {
    at: name,
    fix: "See that it runs and that you may ask it; then run the same command again: what is there already is not sent twice.",
    ...(cause !== undefined && { cause }),
  });

export const noSource = (given: string, why: string) =>
  new MillError("import.source", `"${given}" is nothing to import from or to export to: ${why}.`, {
    at: given,
    expected: "the address of an MLflow server, the folder of a file store (mlruns), or an SQLite file (mlflow.db)",
    got: given,
    fix: "Name one of these.",
  });
