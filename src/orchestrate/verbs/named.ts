import { didYouMean, MillError } from "../../base/index.ts";

/** The definition of that name. Error: `request.unknown-name`. */
export function named<T>(definitions: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = definitions.get(name);
  if (found) return found;
  throw new MillError(
    "request.unknown-name",
    `The project defines no ${kind} "${name}".${didYouMean(name, definitions.keys())}`,
    {
      expected: [...definitions.keys()].join(", "),
      got: name,
      fix: "Name what mill.ts exports; `mill status` lists it.",
    },
  );
}
