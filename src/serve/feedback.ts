/** Labels as clients send them: what really happened to what was predicted. */
import { MillError } from "../base/index.ts";
import type { Column, Task } from "../contract/index.ts";
import { readValue } from "../express/index.ts";
import type { BundleManifest } from "../registry/index.ts";

export interface Label {
  /** Of the prediction. */
  readonly id: string;
  /** JSON text: `true`, `"cat"`, `3.5`. */
  readonly label: string;
  /** Data time in microseconds; null: not told. */
  readonly known: number | null;
}

const LABEL_MAX = 1000;
const FORMS: Readonly<Record<Task, { readonly words: string; readonly fits: (label: unknown) => boolean }>> = {
  "binary-classification": { words: "true or false", fits: (label) => typeof label === "boolean" },
  // A class that no training row had is what really happened all the same.
  "multiclass-classification": {
    words: `the class as text of 1 to ${LABEL_MAX} whole characters`,
    fits: (label) => typeof label === "string" && label !== "" && label.length <= LABEL_MAX && label.isWellFormed(),
  },
  regression: { words: "a finite number", fits: (label) => Number.isFinite(label) },
};

/** A prediction's own id: a UUID of version 7, with the row's index where the request had several. */
const PREDICTION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(\.(0|[1-9]\d{0,3}))?$/;

/** Where rows have no time, moments are those of the wall clock. */
const INSTANT: Pick<Column, "type" | "nullable"> = { type: "instant", nullable: false };

/** Reads one label of an endpoint. Errors: `request.label`, saying which and why. */
export function labelReader({ task, dataset }: BundleManifest): (given: unknown, index: number) => Label {
  const form = FORMS[task];
  const moment = dataset.time === null ? INSTANT : { type: dataset.columns[dataset.time]!.type, nullable: false };
  return (given, index) => {
    const { id, label, at } = (given ?? {}) as { readonly id?: unknown; readonly label?: unknown; readonly at?: unknown };
    if (typeof id !== "string" || !PREDICTION_ID.test(id))
      throw unfit(index, "id", "the id of a prediction, as in its reply", id);
    if (!form.fits(label)) throw unfit(index, "label", form.words, label);
    const known = at === undefined ? null : readValue(moment, at);
    if (known !== null && !known.ok) throw unfit(index, "at", known.expected, at);
    return { id, label: JSON.stringify(label), known: known && Number(known.value) };
  };
}

function unfit(index: number, field: string, expected: string, got: unknown): MillError {
  const shown = got === undefined ? "nothing" : JSON.stringify(got)?.slice(0, 80);
  return new MillError("request.label", `Label ${index}, field "${field}": expected ${expected}, got ${shown}.`, {
    at: `/labels/${index}/${field}`,
    expected,
    got: shown,
    fix: "Send labels as the answers' ids and the task ask for.",
  });
}
