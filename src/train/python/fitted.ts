import type { Digest } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";

/** What a Python script has trained and saved, as the object `fitted` of its step. */
export interface Fitted {
  /** `scikit-learn`, `xgboost`, `lightgbm`, `pytorch`, `keras`, `onnx`, `object`: who reads its files (`program/frameworks.py`). */
  readonly framework: string;
  readonly task: Task;
  readonly classes: readonly string[];
  /** In the order in which the model takes them. */
  readonly features: readonly FittedFeature[];
  readonly files: readonly FittedFile[];
  /** Of the lock that it was trained under, an object. */
  readonly lock: Digest;
}

export interface FittedFeature {
  readonly name: string;
  readonly kind: "number" | "text";
}

/** A file of the model, by its path below the folder that the script saved to. */
export interface FittedFile {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}
