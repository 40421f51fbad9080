import type { Node } from "./node.ts";

/** Every column that an expression reads, those inside windows and their keys included. */
export function columnsRead(node: Node): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (part: Node): void => {
    if (part.op === "column") found.add(part.name);
    else if (part.op === "window") for (const inner of part.value === null ? part.by : [part.value, ...part.by]) visit(inner);
    else if (part.op !== "literal") for (const inner of part.args) visit(inner);
  };
  visit(node);
  return found;
}
