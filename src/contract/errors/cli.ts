/** The command line and the configuration. */
import { type CodeInfo, EXIT } from "./code.ts";

export const CLI_ERRORS = {
  "cli.usage": { status: 400, exit: EXIT.usage, about: "A command is not used as its help says." },
  "cli.unknown-command": { status: 400, exit: EXIT.usage, about: "There is no command of this name." },
  "cli.unknown-flag": { status: 400, exit: EXIT.usage, about: "There is no flag of this name." },
  "cli.interrupted": { status: 503, exit: EXIT.interrupted, about: "A command was interrupted; what it had done is kept." },
  "cli.door-refused": { status: 502, exit: EXIT.refused, about: "The S3 door refused what a command sent it." },
  "cli.server-away": { status: 503, exit: EXIT.away, about: "The workspace has a server that does not answer." },
  "cli.server-missing": { status: 503, exit: EXIT.away, about: "A command needs the workspace's server, and none runs." },
  "cli.nothing-there": {
    status: 404,
    exit: EXIT.notFound,
    about: "Neither an object nor a folder of the lake is where a command looks.",
  },
  "cli.no-traffic": { status: 422, exit: EXIT.data, about: "A project keeps no rows back that could be sent as traffic." },
  "cli.rows": { status: 400, exit: EXIT.data, about: "The rows to predict cannot be read." },
  "cli.project-exists": {
    status: 409,
    exit: EXIT.conflict,
    about: "A project was to be written where one, or one of its files, is already.",
  },
  "cli.commonjs": { status: 409, exit: EXIT.conflict, about: "A project was to be written into a CommonJS package." },
  "cli.template-unknown": {
    status: 400,
    exit: EXIT.usage,
    about: "There is no such template of a project, or a file was named beside it.",
  },
  "cli.label-unknown": { status: 400, exit: EXIT.usage, about: "The column that was to be predicted is not in the file." },
  "cli.label-unfit": {
    status: 422,
    exit: EXIT.data,
    about: "A column cannot be predicted: it is empty, constant, or all different.",
  },
  "cli.nothing-to-learn": { status: 422, exit: EXIT.data, about: "A file has no column that a prediction could rest on." },
  "config.not-json": { status: 500, exit: EXIT.usage, about: "mill.config.json is not JSON." },
  "config.value": { status: 500, exit: EXIT.usage, about: "A setting has a value that it cannot have." },
  "config.unknown-setting": { status: 500, exit: EXIT.usage, about: "mill.config.json names a setting that does not exist." },
} as const satisfies Record<string, CodeInfo>;
