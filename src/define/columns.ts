import { MillError } from "../base/index.ts";
import { type Column, type Schema, TYPE_NAMES } from "../contract/index.ts";
import type { Columns } from "../express/index.ts";
import { distinctNames, fieldsOf, oneOf, optionalText, record, text, wrong } from "./options.ts";

/** Columns in a variable of their own, with their literal types kept: `const shared = columns({ id: "int64" })`. */
export function columns<const D extends Columns>(given: D): D {
  readColumns("columns", given);
  return given;
}

/** Columns as written (`"int32?"`, or an object where there is more to say) in their normal form. */
export function readColumns(at: string, given: unknown): Schema {
  const names = Object.keys(record(at, given));
  if (names.length === 0) wrong(at, "at least one column", given);
  for (const name of names) refuseReservedName(at, name);
  distinctNames(at, names);
  return Object.fromEntries(names.map((name) => [name, readColumn(`${at}.${name}`, (given as Columns)[name])]));
}

/** Tables add columns of their own, such as `__reason` in the quarantine. */
function refuseReservedName(at: string, name: string): void {
  if (name.trim() === name && name !== "" && !name.startsWith("__")) return;
  throw new MillError("define.bad-name", `${at}: ${JSON.stringify(name)} is no name for a column.`, {
    at,
    expected: "a text that neither begins with __ nor with or ends in white space",
    got: JSON.stringify(name),
    fix: 'Give the column a plain name and say where it comes from: { type: "int32", source: "Beak Length (mm)" }.',
  });
}

function readColumn(at: string, given: unknown): Column {
  if (typeof given === "string") return readType(at, given);
  const fields = fieldsOf(at, given, ["type", "source", "unit", "about", "personal"]);
  const [source, unit, about] = (["source", "unit", "about"] as const).map((key) => optionalText(`${at}.${key}`, fields[key]));
  const personal = fields.personal === undefined ? undefined : oneOf(`${at}.personal`, fields.personal, ["direct", "quasi"]);
  return {
    ...readType(`${at}.type`, fields.type),
    ...(source === undefined ? {} : { source }),
    ...(unit === undefined ? {} : { unit }),
    ...(about === undefined ? {} : { about }),
    ...(personal === undefined ? {} : { personal }),
  };
}

function readType(at: string, given: unknown): Pick<Column, "type" | "nullable"> {
  const written = text(at, given);
  const nullable = written.endsWith("?");
  return { type: oneOf(at, nullable ? written.slice(0, -1) : written, TYPE_NAMES), nullable };
}
