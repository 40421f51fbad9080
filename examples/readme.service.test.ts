/**
 * The README's paragraph on Python, word for word: its commands in one shell, and the lines that it says they print. Only the folder, the port, and figures are others here.
 * MILL_TEST_PYTHON names a Python with uv, MILL_TEST_MLFLOW one with MLflow's client (`.ci/python`, `.ci/mlflow`).
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { newPath } from "./run-mill.ts";

const { MILL_TEST_PYTHON: python, MILL_TEST_MLFLOW: mlflow } = process.env;
const skip =
  (python === undefined || mlflow === undefined) && "set MILL_TEST_PYTHON and MILL_TEST_MLFLOW (.ci/python, .ci/mlflow)";
const root = join(import.meta.dirname, "..");

interface Shown {
  readonly command: string;
  readonly prints: readonly string[];
}

/** The commands of a paragraph, each with what it prints; a command of several lines goes on to its closing quote. */
function shownIn(title: string): Shown[] {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const paragraph = readme.slice(readme.indexOf(`**${title}**`)).split(/\n(?=\*\*|## )/)[0]!;
  const lines = paragraph.split("\n").flatMap((line) => (line.startsWith("    ") ? [line.slice(4)] : []));
  const shown: { command: string; prints: string[] }[] = [];
  let isOpen = false;
  for (const line of lines) {
    if (line.startsWith("$ ")) shown.push({ command: line.slice(2), prints: [] });
    else if (isOpen) shown.at(-1)!.command += `\n${line}`;
    else shown.at(-1)!.prints.push(line);
    isOpen = (shown.at(-1)!.command.match(/'/g)?.length ?? 0) % 2 === 1;
  }
  return shown;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const withoutFigures = (line: string) => line.replaceAll(/\d[\d.,]*( min \d+)?/g, "#");

test("the paragraph on Python does what it says", { skip }, async (t) => {
  const folder = newPath("forest");
  const port = String(await freePort());
  const here = (text: string) => text.replaceAll("/tmp/forest", folder).replaceAll("4750", port);
  const shell = spawn("bash", ["--norc"], {
    cwd: root,
    env: {
      ...process.env,
      MILL_PYTHON: python,
      MILL_PYTHON_FOLDER: process.env.MILL_TEST_PYTHON_FOLDER ?? newPath("environments"),
      NO_PROXY: "*",
      PATH: `${dirname(mlflow!)}:${dirname(process.execPath)}:${process.env.PATH}`,
    },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  t.after(() => process.kill(-shell.pid!, "SIGKILL"));
  let printed = "";
  const changed: (() => void)[] = [];
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      for (const look of changed.splice(0)) look();
    });
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => changed.push(resolve));
  };

  const shown = shownIn("Train in Python.");
  assert.ok(shown.length >= 6, `${shown.length} commands`);
  for (const [index, { command, prints }] of shown.entries()) {
    const from = printed.length;
    const isBackground = command.endsWith("&");
    shell.stdin.write(`${here(command)}\n${isBackground ? "" : `echo "ended ${index} with $?"\n`}`);
    const said = () => printed.slice(from).split("\n");
    const expected = prints.filter((line) => line !== "...").map((line) => withoutFigures(here(line)));
    if (isBackground) await until(() => said().some((line) => withoutFigures(line) === expected.at(-1)));
    else await until(() => new RegExp(`^ended ${index} with \\d+$`, "m").test(printed.slice(from)));
    const lines = said().map(withoutFigures);
    assert.ok(isBackground || said().includes(`ended ${index} with 0`), `${command}\n${said().join("\n")}`);
    for (const line of expected) assert.ok(lines.includes(line), `${line}\nis not among\n${said().join("\n")}`);
  }
});
