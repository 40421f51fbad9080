/** Sources, data sets and training sets. */
import { type CodeInfo, EXIT } from "./code.ts";

export const DATA_ERRORS = {
  // sources and data sets
  "source.missing": { status: 404, exit: EXIT.notFound, about: "A file that a data set names is not there." },
  "source.outside": { status: 400, exit: EXIT.definitions, about: "A path of the form package:NAME/PATH leaves its package." },
  "source.format": { status: 400, exit: EXIT.definitions, about: "A file's name does not tell how to read it." },
  "source.unreadable": { status: 422, exit: EXIT.data, about: "A file is damaged, or is not of the format that its name says." },
  "source.changed": { status: 409, exit: EXIT.conflict, about: "A file changed while it was being read." },
  "dataset.corrected": {
    status: 409,
    exit: EXIT.conflict,
    about: "People corrected a version of a data set, and its sources have changed since.",
  },
  "dataset.column-missing": { status: 422, exit: EXIT.data, about: "A file has no column of the name that a data set states." },
  "dataset.column-type": {
    status: 422,
    exit: EXIT.data,
    about: "A file's column is of a type that can never be read as stated.",
  },
  "dataset.empty": { status: 422, exit: EXIT.data, about: "A file is empty, or no row of a data set is left." },
  "split.too-few": { status: 422, exit: EXIT.data, about: "A data set has too few rows or moments to be split." },

  // training sets
  "features.no-labels": { status: 422, exit: EXIT.data, about: "A part of a training set has no row whose label is known." },
  "features.unseen-class": { status: 422, exit: EXIT.data, about: "Rows have a label that no training row has." },
} as const satisfies Record<string, CodeInfo>;
