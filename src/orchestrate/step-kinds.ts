import { assess, gate, prove } from "../assess/index.ts";
import { trainingSet } from "../features/index.ts";
import { ingest, partition, split } from "../ingest/index.ts";
import { reference } from "../monitor/index.ts";
import { check } from "../quality/index.ts";
import { bundle } from "../registry/index.ts";
import type { StepKind } from "../steps/index.ts";
import { convert, environment, fit, train, trial, tune } from "../train/index.ts";

/** Every kind of step that a graph asks for. */
export const STEP_KINDS = [
  partition,
  ingest,
  check,
  split,
  trainingSet,
  trial,
  tune,
  train,
  environment,
  fit,
  convert,
  bundle,
  prove,
  assess,
  reference,
  gate,
] as unknown as readonly StepKind<never>[];
