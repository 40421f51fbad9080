import { join, relative } from "node:path";
import { MillError } from "../../base/index.ts";
import { type CommandContext, textFlag } from "../command.ts";
import { cell } from "../table.ts";
import { commandsFor } from "./summary.ts";
import { TEMPLATE_NAME, type Template, templateNamed } from "./templates.ts";
import { writeProject } from "./write-project.ts";

/** `mill init --template NAME`. Errors: `cli.template-unknown`. */
export async function writeTemplate(name: string, folder: string, { flags, effects, output, factory }: CommandContext) {
  const template = templateNamed(name);
  for (const flag of ["from", "label"]) if (textFlag(flags, flag) !== undefined) throw notBeside(flag);
  const beside = relative(effects.cwd, folder);
  const next = commandsFor(TEMPLATE_NAME, template.example, beside.startsWith("..") ? folder : beside);
  const written = await writeProject({
    folder,
    name: TEMPLATE_NAME,
    version: factory.version,
    definitions: template.definitions,
    readme: readmeText(template),
    copies: Object.entries(template.files).map(([path, file]) => ({ from: join(import.meta.dirname, "templates", file), path })),
  });
  output.result({ folder, written, name: TEMPLATE_NAME, template: name, next }, () =>
    [`wrote     ${written.join(", ")} in ${folder}`, `next      ${next[0]}`, `then      ${next[1]}`, ""].map(cell).join("\n"),
  );
  return undefined;
}

function readmeText({ about, example }: Template): string {
  const [run, predict, up] = commandsFor(TEMPLATE_NAME, example, "");
  return `# ${TEMPLATE_NAME}

Tells three species of penguins apart, by ${about}. [mill.ts](mill.ts) has the definitions: the data set with its columns and split, the features, the model with what must hold before it
serves, and the endpoint; [train.py](train.py) is the script that trains it, in an environment of its own with the packages that mill.ts names. State is in \`.mill/\`.

    ${run}
    ${predict}
    ${up}

An edited script, parameter or package trains again; \`mill plan\` says what would run and why.
`;
}

const notBeside = (flag: string) =>
  new MillError("cli.template-unknown", `A template brings its data and its question: --${flag} cannot stand beside it.`, {
    at: `--${flag}`,
    expected: `--template alone, or --${flag} alone`,
    got: `--template and --${flag}`,
    fix: "Make the project, then change its mill.ts.",
  });
