import { MillError } from "../../base/index.ts";

export interface Address {
  readonly repository: string;
  readonly ref: string;
}

/** Reads `REPOSITORY@REF`; without a ref it is the default branch, `main`. Errors: `cli.usage`. */
export function readAddress(text: string): Address {
  const [repository, ref = "main", ...more] = text.split("@");
  if (repository && ref && more.length === 0) return { repository, ref };
  throw new MillError("cli.usage", `"${text}" names no place in the lake.`, {
    expected: "REPOSITORY or REPOSITORY@REF, as in photos@main",
    got: text,
    fix: "mill lake list shows the repositories, mill lake branches NAME their branches.",
  });
}
