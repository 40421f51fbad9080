/** What a transform learnt, as plain records: their fields are declared once, and checked when they are read. */
import { badModel } from "../packed.ts";

interface FieldTypes {
  readonly text: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
}

export type Fields = Readonly<Record<string, keyof FieldTypes>>;
export type RecordOf<F extends Fields> = { readonly [Name in keyof F]: FieldTypes[F[Name]] };

/** Error: `learn.bad-model`. */
export function readRecords<F extends Fields>(json: unknown, fields: F): RecordOf<F>[] {
  if (!Array.isArray(json)) throw badModel("the columns of a transform are not listed");
  return json.map((record: unknown) => {
    if (typeof record !== "object" || record === null) throw badModel("a column of a transform is no record");
    for (const [name, type] of Object.entries(fields))
      if (!is[type]((record as Record<string, unknown>)[name])) throw badModel(`"${name}" of a transform is not of type ${type}`);
    return record as RecordOf<F>;
  });
}

const isText = (value: unknown) => typeof value === "string";
const isListOf = (value: unknown, of: (item: unknown) => boolean) => Array.isArray(value) && value.every(of);

const is: Readonly<Record<keyof FieldTypes, (value: unknown) => boolean>> = {
  text: isText,
  number: Number.isFinite,
  boolean: (value) => typeof value === "boolean",
  numbers: (value) => isListOf(value, Number.isFinite),
  texts: (value) => isListOf(value, isText),
};
