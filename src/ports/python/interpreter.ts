import { MillError } from "../../base/index.ts";
import type { Interpreter } from "./environments.ts";
import { type Installer, noInstaller, pip, uv } from "./installer.ts";
import { runProgram } from "./program.ts";

export interface FoundPython extends Interpreter {
  /** Where it is. */
  readonly path: string;
  /** Errors: `python.missing`, where it has none. */
  installer(): Promise<Installer>;
}

/** `-I` leaves out what variables and the folder would bring in. */
const PROBE = `
import json, platform, sys, importlib.util
def version(name):
    try:
        from importlib.metadata import version
        return version(name)
    except Exception:
        return None
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({
    "python": "%d.%d" % sys.version_info[:2],
    "platform": "%s-%s" % (platform.system().lower(), platform.machine().lower()),
    "path": sys.executable,
    "uv": has("uv"), "pip": version("pip") if has("venv") else None,
}))`;

interface Probed extends Interpreter {
  readonly path: string;
  readonly uv: boolean;
  readonly pip: string | null;
}

/** Looks at a Python by starting it. Errors: `python.missing`. */
export async function findPython(command: string, environment: NodeJS.ProcessEnv): Promise<FoundPython> {
  const run = { signal: new AbortController().signal, environment };
  const { code, stdout, stderr } = await runProgram([command, "-I", "-c", PROBE], run);
  const probed = code === 0 ? parse(stdout) : null;
  if (probed === null) throw missing(command, stderr);
  const { python, platform, path, uv: hasUv, pip: pipVersion } = probed;
  return {
    ...{ python, platform, path },
    async installer() {
      if (hasUv) return uv([path, "-m", "uv"], path);
      const { code: uvCode } = await runProgram(["uv", "--version"], run);
      if (uvCode === 0) return uv(["uv"], path);
      if (pipVersion !== null && isRecent(pipVersion)) return pip(path);
      throw noInstaller(path);
    },
  };
}

function parse(text: string): Probed | null {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a program of that name that is no Python
  }
}

function isRecent(pipVersion: string): boolean {
  const [major = 0, minor = 0] = pipVersion.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 3);
}

const missing = (command: string, said: string) =>
  new MillError("python.missing", "There is no Python on this machine where it was looked for.", {
    at: command,
    expected: "Python 3.9 or later",
    got: said.trim().slice(-300),
    fix: "Install Python 3, or name one with MILL_PYTHON=/path/to/python3.",
  });
