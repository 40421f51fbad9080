/** Columns of typed arrays: what the estimators and metrics read, and what `ports/tables` hands out. */
export interface NumberColumn {
  readonly kind: "number";
  /** One per row; NaN is missing. */
  readonly values: Float64Array;
}

export interface TextColumn {
  readonly kind: "text";
  /** One per row: an index into `texts`, or -1 for missing. */
  readonly codes: Int32Array;
  /** Distinct, in no promised order. */
  readonly texts: readonly string[];
}

export interface Frame {
  readonly rowCount: number;
  /** By name, in a fixed order. Booleans are numbers 0 and 1. */
  readonly columns: Readonly<Record<string, NumberColumn | TextColumn>>;
}
