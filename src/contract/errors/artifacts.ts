/** Files and models that runs log. */
import { type CodeInfo, EXIT } from "./code.ts";

export const ARTIFACT_ERRORS = {
  "artifact.path": { status: 400, exit: EXIT.usage, about: "The path of an artifact leads out of its folder, or is none." },
  "artifact.folder": {
    status: 409,
    exit: EXIT.conflict,
    about: "An artifact would take the place of a folder, or lie in a file.",
  },
  "artifact.missing": { status: 404, exit: EXIT.notFound, about: "There is no artifact at a path." },
  "artifact.upload": {
    status: 400,
    exit: EXIT.usage,
    about: "An upload of an artifact in parts is not under way, or its parts are not as was said.",
  },
  "logged-model.name": {
    status: 400,
    exit: EXIT.usage,
    about: "The name of a logged model is empty, or holds characters of paths.",
  },
  "logged-model.param-changed": { status: 409, exit: EXIT.conflict, about: "A parameter of a logged model never changes." },
  "logged-model.unknown": { status: 404, exit: EXIT.notFound, about: "There is no logged model of this id." },
  "logged-model.unknown-tag": { status: 404, exit: EXIT.notFound, about: "A logged model has no such tag." },
} as const satisfies Record<string, CodeInfo>;
