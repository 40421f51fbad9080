/** The tool that resolves and installs: uv where it is there, else pip, which need not be in the environment itself. */
import { MillError } from "../../base/index.ts";
import type { ProgramOptions } from "./program.ts";
import { runProgram } from "./program.ts";

export interface Installer {
  readonly name: "uv" | "pip";
  /** A requirements file with hashes, or what the tool says that stands against it. */
  resolve(requirements: readonly string[], run: ProgramOptions): Promise<{ readonly text: string } | { readonly fault: string }>;
  /** The commands that make an environment in a folder from a requirements file with hashes, in turn. */
  make(folder: string, requirementsFile: string): readonly (readonly string[])[];
}

const QUIETLY = ["--quiet", "--no-progress", "--color", "never"];

/** `command` is what starts uv. */
export const uv = (command: readonly string[], python: string): Installer => ({
  name: "uv",
  async resolve(requirements, run) {
    const words = ["pip", "compile", "-", "--generate-hashes", "--python", python, "--no-header", "--no-annotate", ...QUIETLY];
    const { code, stdout, stderr } = await runProgram([...command, ...words], { ...run, input: `${requirements.join("\n")}\n` });
    return code === 0 ? { text: stdout } : { fault: stderr };
  },
  make: (folder, file) => [
    [...command, "venv", folder, "--python", python, "--no-project", ...QUIETLY],
    [...command, "pip", "sync", file, "--require-hashes", "--python", interpreterIn(folder), ...QUIETLY],
  ],
});

/** pip's own report names the file that it would install of each package, with its hash (since 22.2); `--python` is since 22.3. */
export const pip = (python: string): Installer => ({
  name: "pip",
  async resolve(requirements, run) {
    const words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", ...requirements];
    const { code, stdout, stderr } = await runProgram([python, "-m", "pip", ...words], run);
    if (code !== 0) return { fault: stderr };
    const { install } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as Report;
    const unhashed = install.find(({ download_info }) => download_info.archive_info?.hashes?.sha256 === undefined);
    if (unhashed) return { fault: `${unhashed.metadata.name} is no file with a hash: it comes from a folder or a repository.` };
    return { text: install.map(lineOf).sort().join("") };
  },
  make: (folder, file) => [
    [python, "-m", "venv", "--without-pip", folder],
    [
      ...[python, "-m", "pip", "--python", interpreterIn(folder), "install"],
      ...["--require-hashes", "--no-deps", "--no-compile", "--quiet", "-r", file],
    ],
  ],
});

interface Report {
  readonly install: readonly {
    readonly download_info: {
      readonly url: string;
      readonly archive_info?: { readonly hashes?: { readonly sha256?: string } };
    };
    readonly is_direct: boolean;
    readonly metadata: { readonly name: string; readonly version: string };
  }[];
}

function lineOf({ download_info: { url, archive_info }, is_direct, metadata: { name, version } }: Report["install"][number]) {
  return `${is_direct ? `${name} @ ${url}` : `${name}==${version}`} --hash=sha256:${archive_info!.hashes!.sha256}\n`;
}

export const interpreterIn = (folder: string): string => `${folder}/bin/python`;

/** The last lines of what an installer said, without what addresses hold before their host. */
export const lastLines = (text: string): string =>
  text
    .trim()
    .replace(/(\w:\/\/)[^\s/@]+@/g, "$1***@")
    .split("\n")
    .slice(-12)
    .join("\n");

export const noInstaller = (python: string) =>
  new MillError("python.missing", "This Python has neither uv nor a pip that can resolve requirements.", {
    at: python,
    expected: "uv, or pip 22.3 or later with the module venv",
    fix: `Install uv: ${python} -m pip install uv`,
  });
