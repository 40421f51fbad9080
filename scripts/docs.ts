/** Writes what comes from tables: the pages of `docs/`, the words of `src/define/estimators.ts`, and the blocks in `ARCHITECTURE.md` from their imports; with `--check` it fails when one is not fresh. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERRORS, EXIT, VERBS } from "../src/contract/index.ts";
import { flagOf, SETTINGS, type Setting } from "../src/contract/settings.ts";
import { draw } from "../src/layers.ts";
import { estimatorsPage, trainerWords } from "./estimators.ts";

const root = join(import.meta.dirname, "..");
const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const table = (heads: readonly string[], rows: readonly (readonly string[])[]) =>
  [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");

const errors = `# Errors

Every error has a code that is never reused. Over HTTP it comes as \`application/problem+json\` with the status below; on the command line the process ends with the exit code.

${table(
  ["code", "status", "exit", "when"],
  Object.entries(ERRORS).map(([code, { status, exit, about }]) => [`\`${code}\``, String(status), String(exit), about]),
)}

Exit codes: ${Object.entries(EXIT)
  .map(([name, code]) => `${code} ${name}`)
  .join(", ")}.
`;

const configuration = `# Configuration

A flag wins over the variable, the variable over \`mill.config.json\` in the project, and that over the default.

${table(
  ["setting", "flag", "variable", "file", "default", "about"],
  Object.entries<Setting>(SETTINGS).map(([name, { flag, env, file, secret, default: value, about }]) => [
    name,
    flag ? `\`--${flagOf(name)}\`` : "",
    `\`${env}\``,
    file || secret ? `\`${name}\`` : "",
    value === null ? "" : String(value),
    secret ? `${about} Or ${file ? "" : "(all that the file takes) "}\`secret:NAME\`.` : about,
  ]),
)}
`;

const verbs = `# Verbs

Everything the platform can do, each once: the server, the command line and foreign protocols translate into these. \`/openapi.json\` has the forms.

${table(
  ["verb", "HTTP", "permission", "audited", "about"],
  Object.entries(VERBS).map(([name, { http, permission, audited, about }]) => [
    `\`${name}\``,
    `\`${http.method} ${http.path}\``,
    permission,
    audited ? "yes" : "",
    about,
  ]),
)}
`;

/** The page with the part between its two marks written anew. */
function withDrawing(page: string): string {
  const [before, rest] = page.split("<!-- npm run layers -->\n");
  const after = rest!.slice(rest!.indexOf("<!-- end -->"));
  return `${before}<!-- npm run layers -->\n\n\`\`\`\n${draw(join(root, "src"))}\n\`\`\`\n\n${after}`;
}

/** As the formatter leaves it, so that both agree on what is fresh. */
function formatted(path: string, source: string): string {
  const { stdout } = spawnSync(join(root, "node_modules/.bin/biome"), ["check", "--write", "--stdin-file-path", path], {
    cwd: root,
    input: source,
    encoding: "utf8",
  });
  return stdout;
}

const architecture = join(root, "ARCHITECTURE.md");
const pages: Readonly<Record<string, string>> = {
  "docs/errors.md": errors,
  "docs/configuration.md": configuration,
  "docs/verbs.md": verbs,
  "docs/estimators.md": estimatorsPage(table),
  "src/define/estimators.ts": formatted("src/define/estimators.ts", trainerWords()),
  "ARCHITECTURE.md": withDrawing(readFileSync(architecture, "utf8")),
};
const check = process.argv.includes("--check");
for (const [name, text] of Object.entries(pages)) {
  const path = join(root, name);
  const fresh = existsSync(path) && readFileSync(path, "utf8") === text;
  if (fresh) continue;
  if (check) {
    console.error(`${name} is not fresh: run node scripts/docs.ts`);
    process.exitCode = 1;
  } else writeFileSync(path, text);
}
