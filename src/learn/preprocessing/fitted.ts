/** A fitted transform of its parts: batch, row and graph from the same functions, so that they agree bit for bit. */
import { type Json, MillError } from "../../base/index.ts";
import { type EdgeValues, UNSEEN_TEXT } from "../edge-rows.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";
import { bindColumns, type FeatureRow, type InputColumn, numberOf } from "../inputs.ts";
import type { FittedTransform, OutputColumn } from "../transformer.ts";
import { inputsOf, type NumbersPart, outputsOf, type Part, type TextPart, type TextToTextPart } from "./part.ts";

/** `trained`: the output columns of the training rows, where they differ from `transform`. */
export function createTransform(
  transformer: string,
  parts: readonly Part[],
  json: Json,
  trained?: readonly Float64Array[],
): FittedTransform {
  const inputs = inputColumns(parts);
  const names = freshNames(parts);
  const outputs = parts.flatMap((part, index) =>
    names[index]!.map((name): OutputColumn => {
      return { name, kind: part.kind === "text-to-text" ? "text" : "number", of: inputsOf(part) };
    }),
  );

  function transform(X: Frame): Frame {
    bindColumns(X, inputs);
    checkSize(transformer, X.rowCount, outputs.length);
    const columns = parts.flatMap((part, index) =>
      columnsOf(part, X).map((column, output) => [names[index]![output]!, column] as const),
    );
    return { rowCount: X.rowCount, columns: Object.fromEntries(columns) };
  }

  function rowTransformer(): (row: FeatureRow) => FeatureRow {
    const writers = parts.map((part, index) => rowWriter(part, names[index]!));
    return (row) => {
      const made: Record<string, number | string | null> = {};
      for (const write of writers) write(row, made);
      return made;
    };
  }

  return {
    transformer,
    inputs,
    outputs,
    transform,
    ...(trained === undefined ? {} : { trained: numberFrame(outputs, trained) }),
    rowTransformer,
    addTo: (graph, tensors, profile) =>
      Object.fromEntries(
        parts.flatMap((part, index) => {
          const given = inputsOf(part).map((name) => tensors[name]!);
          const made =
            part.kind === "numbers"
              ? part.addTo(graph, given, profile)
              : part.kind === "text"
                ? part.addTo(graph, given[0]!, profile)
                : [part.addTo(graph, given[0]!, profile)];
          return made.map((tensor, output) => [names[index]![output]!, tensor] as const);
        }),
      ),
    edges: (next = []) => inputs.map((input) => edgesOf(input, parts, names, next)),
    toJson: () => ({ transformer, columns: json }),
  };
}

/** 8 GB of dense numbers. */
const CELLS_MAX = 1e9;

function checkSize(transformer: string, rowCount: number, columns: number): void {
  if (rowCount * columns <= CELLS_MAX) return;
  throw new MillError("learn.too-large", `${transformer} would make ${columns} dense columns of ${rowCount} rows each.`, {
    expected: `at most ${CELLS_MAX} numbers`,
    got: String(rowCount * columns),
    fix: "Let it make fewer columns (countMin, columnsMax, columns, degree), give it fewer rows at a time, or take an estimator that reads texts itself.",
  });
}

function inputColumns(parts: readonly Part[]): InputColumn[] {
  const inputs = new Map<string, InputColumn>();
  for (const part of parts)
    for (const name of inputsOf(part)) {
      const known = inputs.get(name)?.texts ?? [];
      const texts = part.kind === "numbers" ? null : part.kind === "text" && part.texts.length > 0 ? part.texts : known;
      inputs.set(name, { name, texts });
    }
  return [...inputs.values()];
}

/** The names that the parts would like; the second of two that are alike gets a number. */
function freshNames(parts: readonly Part[]): string[][] {
  const taken = new Set<string>();
  return parts.map((part) =>
    outputsOf(part).map((wish) => {
      let name = wish;
      for (let count = 2; taken.has(name); count++) name = `${wish}_${count}`;
      taken.add(name);
      return name;
    }),
  );
}

const numberFrame = (outputs: readonly OutputColumn[], values: readonly Float64Array[]): Frame => ({
  rowCount: values[0]?.length ?? 0,
  columns: Object.fromEntries(outputs.map(({ name }, index) => [name, { kind: "number", values: values[index]! }])),
});

function columnsOf(part: Part, X: Frame): (NumberColumn | TextColumn)[] {
  if (part.kind === "text-to-text") return [mapTexts(part, X.columns[part.input] as TextColumn)];
  const made = part.kind === "numbers" ? ofNumbers(part, X) : ofTexts(part, X.columns[part.input] as TextColumn);
  return made.map((values) => ({ kind: "number", values }));
}

function ofNumbers(part: NumbersPart, { rowCount, columns }: Frame): Float64Array[] {
  const given = part.inputs.map((name) => (columns[name] as NumberColumn).values);
  const made = part.outputs.map(() => new Float64Array(rowCount));
  const [values, out] = [new Float64Array(given.length), new Float64Array(made.length)];
  for (let row = 0; row < rowCount; row++) {
    for (let k = 0; k < given.length; k++) values[k] = given[k]![row]!;
    part.write(values, out);
    for (let k = 0; k < made.length; k++) made[k]![row] = out[k]!;
  }
  return made;
}

/** Each distinct text of the rows once, then its numbers to every row that has it. */
function ofTexts(part: TextPart, { codes, texts }: TextColumn): Float64Array[] {
  const place = new Int32Array(texts.length + 1).fill(-1);
  const used: number[] = [];
  for (let row = 0; row < codes.length; row++)
    if (place[codes[row]! + 1]! < 0) place[codes[row]! + 1] = used.push(codes[row]!) - 1;
  const width = part.outputs.length;
  const table = new Float64Array(used.length * width);
  used.forEach((code, at) => {
    part.write(textAt(texts, code), table.subarray(at * width, (at + 1) * width));
  });
  return part.outputs.map((_, k) => {
    const values = new Float64Array(codes.length);
    for (let row = 0; row < codes.length; row++) values[row] = table[place[codes[row]! + 1]! * width + k]!;
    return values;
  });
}

const textAt = (texts: readonly string[], code: number) => (code < 0 ? null : texts[code] || null);

function mapTexts(part: TextToTextPart, { codes, texts }: TextColumn): TextColumn {
  const made = new Map<string, number>();
  const codeOf = (text: string | null) => {
    if (text === null) return -1;
    if (!made.has(text)) made.set(text, made.size);
    return made.get(text)!;
  };
  const recoded = Int32Array.from({ length: texts.length + 1 }, (_, at) => codeOf(part.map(textAt(texts, at - 1))));
  return { kind: "text", codes: codes.map((code) => recoded[code + 1]!), texts: [...made.keys()] };
}

type RowWriter = (row: FeatureRow, made: Record<string, number | string | null>) => void;

function rowWriter(part: Part, names: readonly string[]): RowWriter {
  const textOf = (value: FeatureRow[string] | undefined) => (typeof value === "string" && value !== "" ? value : null);
  if (part.kind === "text-to-text")
    return (row, made) => {
      made[names[0]!] = part.map(textOf(row[part.input]));
    };
  const out = new Float64Array(names.length);
  const values = new Float64Array(inputsOf(part).length);
  return (row, made) => {
    if (part.kind === "text") part.write(textOf(row[part.input]), out.fill(0));
    else {
      for (let k = 0; k < values.length; k++) values[k] = numberOf(row[part.inputs[k]!]);
      part.write(values, out);
    }
    for (let k = 0; k < names.length; k++) made[names[k]!] = Number.isNaN(out[k]) ? null : out[k]!;
  };
}

function edgesOf(
  { name, texts }: InputColumn,
  parts: readonly Part[],
  names: string[][],
  next: readonly EdgeValues[],
): EdgeValues {
  const readers = parts.filter((part) => inputsOf(part).includes(name));
  if (texts !== null) {
    const tries = readers.flatMap((part) => (part.kind === "text" ? (part.tries ?? []) : []));
    const asked = readers.flatMap((part) => (part.kind === "text-to-text" ? textsAt(next, names[parts.indexOf(part)]![0]!) : []));
    return { name, texts: [...new Set([null, UNSEEN_TEXT, ...texts, ...tries, ...asked])] };
  }
  const numbers = (readers as NumbersPart[]).flatMap((part) => {
    const jumps = part.jumps?.[part.inputs.indexOf(name)] ?? [];
    const { back } = part;
    if (back === undefined) return jumps;
    const asked = names[parts.indexOf(part)]!.flatMap((output, k) => numbersAt(next, output).flatMap((value) => back(value, k)));
    return [...jumps, ...asked];
  });
  return { name, numbers: [...new Set([NaN, 0, ...numbers.filter(Number.isFinite)])] };
}

function numbersAt(next: readonly EdgeValues[], name: string): readonly number[] {
  const edge = next.find((other) => other.name === name);
  return edge !== undefined && "numbers" in edge ? edge.numbers : [];
}

function textsAt(next: readonly EdgeValues[], name: string): readonly (string | null)[] {
  const edge = next.find((other) => other.name === name);
  return edge !== undefined && "texts" in edge ? edge.texts : [];
}
