/**
 * Environments in a folder of their own, one each lock:
 *
 *     FOLDER/0123abcd...      made beside as `making-*`, and renamed when it is whole; its time is that of its last use
 *     FOLDER/downloads        uv's cache, where its own settings name none: on the same disk, so that packages are links
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOfJson, every, MillError } from "../../base/index.ts";
import type { Environments, Lock, Making } from "./environments.ts";
import { inspect } from "./inspect.ts";
import { interpreterIn, lastLines } from "./installer.ts";
import { type FoundPython, findPython } from "./interpreter.ts";
import { runProgram } from "./program.ts";

export interface EnvironmentsOptions {
  /** Of this machine's user; made when it is needed. */
  readonly folder: string;
  /** The Python that environments are made of: a path, or a name to look for; default `python3`. */
  readonly python?: string | null;
  /** Variables that the tools read (index, certificates); default: those of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** No network is reached from here: what is not there cannot be made. */
  readonly offline?: boolean;
}

type Locked = Pick<Lock, "python" | "platform" | "text">;

const DAY_MS = 86_400_000;
const UNUSED_DAYS = 30;

/** Starts nothing before it is asked. */
export function createEnvironments(options: EnvironmentsOptions): Environments {
  const { folder, environment: given = process.env } = options;
  const environment = {
    UV_CACHE_DIR: join(folder, "downloads"),
    ...given,
    ...{ PIP_REQUIRE_VIRTUALENV: "0", PIP_USER: "0", PIP_DISABLE_PIP_VERSION_CHECK: "1", PYTHONNOUSERSITE: "1" },
  };
  const used = new Set<string>();
  let found: Promise<FoundPython> | null = null;
  let touching = false;

  return {
    async interpreter() {
      const { python, platform } = await here();
      return { python, platform };
    },

    async lock(requirements, making) {
      const asked = requirements.map(requireName);
      const { python, platform, installer } = await here();
      const tool = await installer();
      making.log(`resolving ${asked.join(", ") || "nothing"} with ${tool.name} for Python ${python}`);
      const resolved = await tool.resolve(asked, { signal: making.signal, environment });
      if ("fault" in resolved)
        throw isUnreached(resolved.fault)
          ? unreached(resolved.fault, options.offline === true)
          : unresolved(asked, resolved.fault);
      const { text } = resolved;
      const made = await open({ python, platform, text }, making);
      const packages = await inspect(made.python, { signal: making.signal, environment });
      return { python, platform, requirements: asked, packages, text };
    },

    open,
  };

  async function open(lock: Locked, making: Making): Promise<{ readonly python: string }> {
    const place = join(folder, idOf(lock));
    if (!isWhole(place)) await make(lock, place, making);
    await touch(place);
    used.add(place);
    if (!touching) every(DAY_MS / 2, () => Promise.all([...used].map(touch)));
    touching = true;
    return { python: interpreterIn(place) };
  }

  function here(): Promise<FoundPython> {
    found ??= findPython(options.python ?? "python3", environment).catch((error) => {
      found = null; // it may be installed by the next time
      throw error;
    });
    return found;
  }

  async function make(lock: Locked, place: string, { signal, log }: Making): Promise<void> {
    const { python, platform, installer } = await here();
    if (python !== lock.python || platform !== lock.platform) throw otherPython(lock, { python, platform });
    const tool = await installer();
    const beside = await newFolder(folder);
    try {
      log(`making an environment of Python ${python} with ${tool.name}: ${place}`);
      const file = join(beside, "requirements.txt");
      const venv = join(beside, "venv");
      await writeFile(file, lock.text);
      for (const command of tool.make(venv, file)) {
        const { code, stderr } = await runProgram(command, { signal, environment });
        if (code !== 0) throw notMade(place, stderr, options.offline === true);
      }
      await renameWithin(venv, place);
      await settle(venv, place);
    } finally {
      await rm(beside, { recursive: true, force: true });
    }
    await sweepUnused(folder);
  }
}

/** What is installed, and for which Python: the same from whatever requirements it came. */
const idOf = ({ python, platform, text }: Locked): string =>
  digestOfJson({ python, platform, text }).slice("sha256:".length).slice(0, 32);

/** Follows the link to the interpreter that it was made of: that may be gone. */
const isWhole = (place: string): boolean => existsSync(interpreterIn(place));

const touch = (place: string) => utimes(place, new Date(), new Date()).catch(() => undefined); // another user's, or swept

async function newFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(folder, "making-"));
  } catch (cause) {
    throw new MillError("python.environment", "The folder of the Python environments cannot be written.", {
      at: folder,
      got: (cause as Error).message,
      fix: "Make it writable, or name another one with MILL_PYTHON_FOLDER.",
      cause,
    });
  }
}

/** Programs of the environment and its scripts for shells name the folder that it was made in. */
async function renameWithin(venv: string, place: string): Promise<void> {
  const bin = join(venv, "bin");
  for (const entry of await readdir(bin, { withFileTypes: true })) {
    const path = join(bin, entry.name);
    if (!entry.isFile() || (await stat(path)).size > 1 << 16) continue;
    const text = await readFile(path, "latin1");
    if (text.includes(venv)) await writeFile(path, text.replaceAll(venv, place), "latin1");
  }
}

/** Another process may have been faster: then its is as good. What lies there and has lost its interpreter makes room. */
async function settle(venv: string, place: string): Promise<void> {
  for (;;) {
    try {
      return await rename(venv, place);
    } catch (error) {
      if (isWhole(place)) return;
      if (!existsSync(place)) throw error;
      await rename(place, `${venv}-lost`);
    }
  }
}

async function sweepUnused(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/^([0-9a-f]{32}$|making-)/.test(name)) continue;
    const path = join(folder, name);
    const unusedMs = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    const limitDays = name.startsWith("making-") ? 1 : UNUSED_DAYS;
    if (unusedMs > limitDays * DAY_MS) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Options would change what is installed from where, and paths lie elsewhere on the next machine. */
function requireName(requirement: string): string {
  const line = requirement.trim();
  if (/^[A-Za-z0-9]/.test(line) && !/[\r\n\0]/.test(line)) return line;
  throw new MillError("python.requirement", "A requirement does not begin with the name of a package.", {
    at: "requirements",
    expected: "name==1.2.3, name>=1.2, name[extra], name @ https://...",
    got: line.slice(0, 200),
    fix: "Name packages only; an index and its options belong into the configuration of uv or pip.",
  });
}

/** Of uv, then of pip: that says first that no version was found, when it could ask nobody for one. */
const isUnreached = (said: string): boolean =>
  /dns error|error sending request|operation timed out|client error \(Connect\)|NewConnectionError|ConnectTimeoutError|Failed to establish a new connection|network is (disabled|unreachable)/i.test(
    said,
  );

const unreached = (said: string, offline: boolean) =>
  new MillError("python.environment", "The index of Python packages was not reached, so the requirements are not resolved.", {
    got: lastLines(said),
    fix: offline ? MAKE_IT_OUTSIDE : "Mend the network, or name an index that is reached in the configuration of uv or pip.",
  });

const MAKE_IT_OUTSIDE =
  "Steps run in a sandbox without a network here: make the environment once with MILL_SANDBOX=none, it is used in the sandbox from then on.";

const unresolved = (requirements: readonly string[], said: string) =>
  new MillError("python.requirement", "The requirements cannot be resolved for this Python.", {
    at: requirements.join(", ").slice(0, 500),
    got: lastLines(said),
    fix: "Correct the name or the version, or loosen what contradicts another.",
  });

const notMade = (place: string, said: string, offline: boolean) =>
  new MillError("python.environment", "The Python environment of a trainer could not be made.", {
    at: place,
    got: lastLines(said),
    fix: offline ? MAKE_IT_OUTSIDE : "Mend what the installer says, and run again; what was downloaded is kept.",
  });

const otherPython = (lock: Locked, here: { readonly python: string; readonly platform: string }) =>
  new MillError("python.environment", "A lock is for another Python than this machine's, and its environment is not here.", {
    expected: `Python ${lock.python} on ${lock.platform}`,
    got: `Python ${here.python} on ${here.platform}`,
    fix: "Name the right one with MILL_PYTHON, or run again from a machine with this one, which locks anew.",
  });
