/** Experiments and their runs. */
import { type CodeInfo, EXIT } from "./code.ts";

export const TRACKING_ERRORS = {
  "import.not-begun": { status: 409, exit: EXIT.conflict, about: "Something is imported from a source that was not begun." },
  "import.source": {
    status: 400,
    exit: EXIT.usage,
    about: "What is to be imported from is neither an MLflow server, nor its folder or database.",
  },
  "import.source-away": {
    status: 503,
    exit: EXIT.away,
    about: "The MLflow server that is imported from or exported to does not answer, or refuses.",
  },
  "tracking.bad-value": {
    status: 422,
    exit: EXIT.usage,
    about: "A name, key, number or text of an experiment or run breaks a rule or a limit.",
  },
  "tracking.busy": {
    status: 503,
    exit: EXIT.away,
    about: "Other servers on the same records write faster than a write can be worked out.",
  },
  "tracking.experiment-exists": {
    status: 409,
    exit: EXIT.conflict,
    about: "There is an experiment of this name, perhaps a deleted one.",
  },
  "tracking.filter": {
    status: 400,
    exit: EXIT.usage,
    about: "A filter does not follow the grammar, or names a field that there is not.",
  },
  "tracking.not-active": {
    status: 409,
    exit: EXIT.conflict,
    about: "A deleted experiment or run cannot be changed before it is restored.",
  },
  "tracking.order": {
    status: 400,
    exit: EXIT.usage,
    about: "What a search is to be ordered by is not a field, or stands there twice.",
  },
  "tracking.page": {
    status: 400,
    exit: EXIT.usage,
    about: "A page token does not belong to the search, or a page's size is out of range.",
  },
  "tracking.param-changed": {
    status: 409,
    exit: EXIT.conflict,
    about: "A parameter of a run has another value already, and parameters do not change.",
  },
  "tracking.run-exists": { status: 409, exit: EXIT.conflict, about: "There is a run with this id." },
  "tracking.unknown-experiment": { status: 404, exit: EXIT.notFound, about: "There is no experiment with this id or name." },
  "tracking.unknown-run": { status: 404, exit: EXIT.notFound, about: "There is no run with this id." },
  "tracking.unknown-tag": { status: 404, exit: EXIT.notFound, about: "The experiment or run has no tag of this name." },
} as const satisfies Record<string, CodeInfo>;
