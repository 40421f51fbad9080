export { builtOf, columnsOf, finished, sameDataset, show } from "./builder.ts";
export { columnsRead } from "./columns-read.ts";
export { type FeatureQuery, featureQuery } from "./feature-query.ts";
export { checkFeature, typeOf } from "./infer.ts";
export { momentSql } from "./moments.ts";
export type { Node, OperationName, WindowAggregate, WindowNode } from "./node.ts";
export { quoteDouble, quoteIdentifier, quoteLiteral } from "./quote.ts";
export { compileRow } from "./rows.ts";
export { requestColumns, type Shape, usesOutcome } from "./shape.ts";
export { compileSql, type SqlOptions } from "./sql.ts";
export type {
  AfterTheEvent,
  Aggregate,
  AllColumns,
  BooleanExpr,
  ColumnExpr,
  ColumnSpec,
  Columns,
  ColumnType,
  ColumnValue,
  DateExpr,
  Expression,
  Feature,
  FeatureFields,
  FeatureValue,
  InstantExpr,
  Known,
  KnownColumns,
  Moment,
  Moments,
  NeedsIn,
  NullIn,
  NumberExpr,
  RequestRow,
  RowCheck,
  TextExpr,
  TimeColumns,
  TimestampExpr,
  TypeOf,
  Usable,
  UseIn,
  WithoutWindow,
} from "./types.ts";
export type { ValueType } from "./value-type.ts";
export { type ReadValue, readValue, showValue } from "./values.ts";
export { createWindow, type OnlineFields, onlineFields, type Window } from "./windows.ts";
export { inWords } from "./words.ts";
