/**
 * The types of expressions, as the compiler and the reader of `mill.ts` see them. Nothing here exists at run time.
 *
 * An expression says four things: what it is, the value it has, the columns a prediction request must carry for it, and how it may be used.
 * The last is a sentence: what is not a feature yet says why, and the compiler prints that sentence.
 */
import type { Duration } from "../base/index.ts";
import type { NumberType, TypeName } from "../contract/index.ts";

declare const IS: unique symbol;
declare const VALUE: unique symbol;
declare const NEEDS: unique symbol;
declare const USABLE: unique symbol;

/** `Is`: what it is, in words. `V`: its value, with null when it may be missing. `C`: request columns. `U`: how it may be used. */
export interface Expression<
  out Is extends string = string,
  out V = unknown,
  out C extends string = string,
  out U extends string = string,
> {
  readonly [USABLE]: U;
  readonly [IS]: Is;
  readonly [VALUE]: V;
  readonly [NEEDS]: C;
}

export type Usable = "as a feature";
export type AfterTheEvent =
  "only after the event: aggregate it over earlier rows, as in .mean().last('3h'), or use it in a label";
export type WithoutWindow = "only with a window: add .last('3h')";

/** An expression whose value is known when the prediction is asked for. */
export type Known = Expression<string, unknown, string, Usable>;
/** A known expression of a kind that a model can read. */
export type Feature = Expression<"a number" | "a boolean" | "a text", unknown, string, Usable>;
export type FeatureFields = Readonly<Record<string, Feature>>;

// What an operand brings into the result. A binary operation takes its operand as ONE type parameter and projects from it:
// a signature with one parameter per property loses nullability inside `features`.
export type NullIn<O> = O extends Expression<string, infer V> ? Extract<V, null> : never;
export type NeedsIn<O> = O extends Expression<string, unknown, infer C> ? C : never;
export type UseIn<O> = O extends Expression<string, unknown, string, infer U> ? U : never;

type Numeric = number | Expression<"a number">;
type Textual = string | Expression<"a text">;
type Logical = boolean | Expression<"a boolean">;

export interface NumberExpr<out N extends null = null, out C extends string = string, out U extends string = Usable>
  extends Expression<"a number", number | N, C, U> {
  gt<O extends Numeric>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  gte<O extends Numeric>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  lt<O extends Numeric>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  lte<O extends Numeric>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  eq<O extends Numeric>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  ne<O extends Numeric>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  /** Both bounds included. */
  between<L extends Numeric, H extends Numeric>(
    low: L,
    high: H,
  ): BooleanExpr<N | NullIn<L | H>, C | NeedsIn<L | H>, U | UseIn<L | H>>;
  plus<O extends Numeric>(other: O): NumberExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  minus<O extends Numeric>(other: O): NumberExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  times<O extends Numeric>(other: O): NumberExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  /** Null where the divisor is 0. */
  dividedBy<O extends Numeric>(other: O): NumberExpr<null, C | NeedsIn<O>, U | UseIn<O>>;
  /** Natural logarithm; null at 0 and below. */
  log(): NumberExpr<null, C, U>;
  abs(): NumberExpr<N, C, U>;
  isNull(): BooleanExpr<never, C, U>;
  /** The value, or `other` where it is missing. */
  orElse<O extends Numeric>(other: O): NumberExpr<NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  mean(): Aggregate<null>;
  sum(): Aggregate<null>;
  min(): Aggregate<null>;
  max(): Aggregate<null>;
  /** How many values were there: missing ones do not count. */
  count(): Aggregate<never>;
}

export interface BooleanExpr<out N extends null = null, out C extends string = string, out U extends string = Usable>
  extends Expression<"a boolean", boolean | N, C, U> {
  and<O extends Logical>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  or<O extends Logical>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  not(): BooleanExpr<N, C, U>;
  eq<O extends Logical>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  ne<O extends Logical>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  isNull(): BooleanExpr<never, C, U>;
  orElse<O extends Logical>(other: O): BooleanExpr<NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  /** As a check: the share of rows that must hold, above 0 and at most 1. Without it every row must. */
  holdsFor(share: number): RowCheck;
  /** The share of true among the values that were there. */
  share(): Aggregate<null>;
  count(): Aggregate<never>;
}

export interface TextExpr<out N extends null = null, out C extends string = string, out U extends string = Usable>
  extends Expression<"a text", string | N, C, U> {
  eq<O extends Textual>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  ne<O extends Textual>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  in(values: readonly string[]): BooleanExpr<N, C, U>;
  /** A regular expression found anywhere in the text: anchor it with ^ and $. */
  matches(pattern: string): BooleanExpr<N, C, U>;
  lower(): TextExpr<N, C, U>;
  /** Unicode code points. */
  length(): NumberExpr<N, C, U>;
  isNull(): BooleanExpr<never, C, U>;
  orElse<O extends Textual>(other: O): TextExpr<NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  count(): Aggregate<never>;
}

/** What every moment offers; a text operand is a moment of the same kind. */
export interface Moments<Is extends string, N extends null, C extends string, U extends string>
  extends Expression<Is, string | N, C, U> {
  eq<O extends string | Expression<Is>>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  ne<O extends string | Expression<Is>>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  before<O extends string | Expression<Is>>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  after<O extends string | Expression<Is>>(other: O): BooleanExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  /** Minutes from this moment to the other one, negative when that is earlier. */
  minutesUntil<O extends string | Expression<Is>>(other: O): NumberExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  isNull(): BooleanExpr<never, C, U>;
  count(): Aggregate<never>;
}

/** A wall clock's reading without a zone. */
export interface TimestampExpr<out N extends null = null, out C extends string = string, out U extends string = Usable>
  extends Moments<"a timestamp", N, C, U> {
  hour(): NumberExpr<N, C, U>;
  /** ISO: Monday 1 to Sunday 7. */
  weekday(): NumberExpr<N, C, U>;
  month(): NumberExpr<N, C, U>;
  dayOfYear(): NumberExpr<N, C, U>;
  plusMinutes<O extends Numeric>(minutes: O): TimestampExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  orElse<O extends string | Expression<"a timestamp">>(other: O): TimestampExpr<NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
}

/** A day without a zone. */
export interface DateExpr<out N extends null = null, out C extends string = string, out U extends string = Usable>
  extends Moments<"a date", N, C, U> {
  /** ISO: Monday 1 to Sunday 7. */
  weekday(): NumberExpr<N, C, U>;
  month(): NumberExpr<N, C, U>;
  dayOfYear(): NumberExpr<N, C, U>;
  plusMinutes<O extends Numeric>(minutes: O): TimestampExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  orElse<O extends string | Expression<"a date">>(other: O): DateExpr<NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
}

/** A point on the world's time line; what a clock shows depends on the zone, as in `"Europe/Berlin"`. */
export interface InstantExpr<out N extends null = null, out C extends string = string, out U extends string = Usable>
  extends Moments<"an instant", N, C, U> {
  hour(zone: string): NumberExpr<N, C, U>;
  /** ISO: Monday 1 to Sunday 7. */
  weekday(zone: string): NumberExpr<N, C, U>;
  month(zone: string): NumberExpr<N, C, U>;
  dayOfYear(zone: string): NumberExpr<N, C, U>;
  plusMinutes<O extends Numeric>(minutes: O): InstantExpr<N | NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
  orElse<O extends string | Expression<"an instant">>(other: O): InstantExpr<NullIn<O>, C | NeedsIn<O>, U | UseIn<O>>;
}

/** A moment of any kind. */
export type Moment = Expression<"a timestamp" | "a date" | "an instant">;

/**
 * Values of earlier rows drawn together: a feature once `last` says over which time. Only rows whose value was known when the prediction is
 * asked for take part. A request needs the keys of `by`, never the column that is drawn together.
 */
export interface Aggregate<out N extends null, out K extends string = never>
  extends Expression<"an aggregate", unknown, string, WithoutWindow> {
  /** Only rows that are equal in these. */
  by<const O extends readonly Known[]>(...keys: O): Aggregate<N, K | NeedsIn<O[number]>>;
  last(span: Duration): NumberExpr<N, K, Usable>;
}

declare const CHECK: unique symbol;
/** A statement about the rows of a data set, with the share of rows it must hold for. */
export interface RowCheck {
  readonly [CHECK]: "a check";
}

// Columns, as a user writes them.

export type ColumnType = TypeName | `${TypeName}?`;
export interface ColumnSpec {
  /** A trailing `?` says that values may be missing. */
  readonly type: ColumnType;
  /** The column's name in the source, where it differs. */
  readonly source?: string | undefined;
  readonly unit?: string | undefined;
  readonly about?: string | undefined;
  /** `direct` names a person by itself and may not be a raw feature; `quasi` does so together with others. */
  readonly personal?: "direct" | "quasi" | undefined;
}
export type Columns = Readonly<Record<string, ColumnType | ColumnSpec>>;

export type TypeOf<S> = S extends { readonly type: infer T extends string } ? T : S;
type Base<T> = T extends `${infer B}?` ? B : T;
type Missing<T> = T extends `${string}?` ? null : never;

export type ColumnExpr<T, C extends string, U extends string = Usable> =
  Base<T> extends NumberType
    ? NumberExpr<Missing<T>, C, U>
    : Base<T> extends "string" | "category"
      ? TextExpr<Missing<T>, C, U>
      : Base<T> extends "boolean"
        ? BooleanExpr<Missing<T>, C, U>
        : Base<T> extends "instant"
          ? InstantExpr<Missing<T>, C, U>
          : Base<T> extends "date"
            ? DateExpr<Missing<T>, C, U>
            : TimestampExpr<Missing<T>, C, U>;

/** Every column with its value: what labels, slices, checks and `where` see. */
export type AllColumns<D extends Columns> = { readonly [K in keyof D & string]: ColumnExpr<TypeOf<D[K]>, K> };
/** What features see: an outcome is usable only after the event, so features can but aggregate it over earlier rows. */
export type KnownColumns<D extends Columns, O extends string> = {
  readonly [K in keyof D & string]: ColumnExpr<TypeOf<D[K]>, K, K extends O ? AfterTheEvent : Usable>;
};
/** The columns that say when a row happened: a moment in every row. */
export type TimeColumns<D extends Columns> = {
  [K in keyof D & string]: TypeOf<D[K]> extends "timestamp" | "instant" | "date" ? K : never;
}[keyof D & string];

type Plain<B> = B extends "int64" ? number | bigint : B extends NumberType ? number : B extends "boolean" ? boolean : string;
/** A column's value in a request: times are text, an int64 beyond 2^53 is a bigint, a missing value is null. */
export type ColumnValue<T> = Plain<Base<T>> | Missing<T>;
/** The value a feature has. */
export type FeatureValue<X> = X extends Expression<string, infer V> ? V : never;
/** A request: the columns `C`, and the moment `T` if the caller wants to say when it asks. */
export type RequestRow<D extends Columns, C extends string, T extends string> = {
  [K in C & keyof D]: ColumnValue<TypeOf<D[K]>>;
} & { [K in Exclude<T, C> & keyof D]?: ColumnValue<TypeOf<D[K]>> };
