import { MillError } from "../../base/index.ts";
import type { LockedPackage } from "./environments.ts";
import { lastLines } from "./installer.ts";
import { type ProgramOptions, runProgram } from "./program.ts";

/** An expression where the package has one, else its classifier, else its licence where that is a name and not a text. */
const PROGRAM = `
import json, re
from importlib.metadata import distributions
def licence(meta):
    told = meta.get("License-Expression")
    if told: return told
    ends = [c.split("::")[-1].strip() for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
    if ends and ends != ["OSI Approved"]: return ", ".join(ends)
    told = (meta.get("License") or "").strip()
    return told if 0 < len(told) <= 80 and "\\n" not in told and told != "UNKNOWN" else None
found = {}
for one in distributions():
    name = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()
    found.setdefault(name, {"name": name, "version": one.version, "license": licence(one.metadata)})
print(json.dumps([found[name] for name in sorted(found)]))`;

/** The packages of an environment with their licences, by name. Errors: `python.environment`. */
export async function inspect(python: string, options: ProgramOptions): Promise<readonly LockedPackage[]> {
  const { code, stdout, stderr } = await runProgram([python, "-I", "-c", PROGRAM], options);
  if (code === 0) return JSON.parse(stdout);
  throw new MillError("python.environment", "The packages of a Python environment cannot be read.", {
    at: python,
    got: lastLines(stderr),
    fix: "Remove this environment's folder, and run again: it is made anew.",
  });
}
