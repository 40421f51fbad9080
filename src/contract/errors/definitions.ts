/** Definitions, projects and their expressions. */
import { type CodeInfo, EXIT } from "./code.ts";

export const DEFINITION_ERRORS = {
  // definitions and projects
  "define.bad-name": { status: 400, exit: EXIT.definitions, about: "A name does not have the form that names of its kind have." },
  "define.bad-value": {
    status: 400,
    exit: EXIT.definitions,
    about: "A value in a definition is of another kind or outside its range.",
  },
  "define.duplicate": {
    status: 400,
    exit: EXIT.definitions,
    about: "Two definitions of a kind, or two fields, have the same name.",
  },
  "define.empty": { status: 400, exit: EXIT.definitions, about: "The project's file exports no definition." },
  "define.export-missing": {
    status: 400,
    exit: EXIT.definitions,
    about: "A file of a project imports a name that the other file does not export.",
  },
  "define.file": {
    status: 400,
    exit: EXIT.definitions,
    about: "A file that a trainer names is not in the project's folder, is a link, is too large, or is not what it was.",
  },
  "define.import-cycle": {
    status: 400,
    exit: EXIT.definitions,
    about: "Files of a project import each other in a circle and use a definition before it is there.",
  },
  "define.label-leak": {
    status: 400,
    exit: EXIT.definitions,
    about: "A feature reads the columns that the label is made of, so the model would be given the answer.",
  },
  "define.load-failed": { status: 400, exit: EXIT.definitions, about: "A file of a project failed while it was loaded." },
  "define.missing": { status: 400, exit: EXIT.definitions, about: "A definition leaves out something that it must state." },
  "define.module-missing": {
    status: 400,
    exit: EXIT.definitions,
    about: "A file of a project imports a file or package that is not there.",
  },
  "define.no-expression": {
    status: 400,
    exit: EXIT.definitions,
    about: "Something other than an expression over the columns was returned.",
  },
  "define.personal": {
    status: 400,
    exit: EXIT.definitions,
    about: "A column that names a person directly is used as a raw feature.",
  },
  "define.other-form": {
    status: 409,
    exit: EXIT.conflict,
    about: "Definitions of an earlier run are kept in a form that this Millwright does not read.",
  },
  "define.project-missing": { status: 400, exit: EXIT.definitions, about: "The folder has no mill.ts." },
  "define.split-missing": {
    status: 400,
    exit: EXIT.definitions,
    about: "A model is built on a data set that does not say which rows test it.",
  },
  "define.syntax": {
    status: 400,
    exit: EXIT.definitions,
    about: "A file of a project cannot be parsed, or uses TypeScript that cannot be left out.",
  },
  "define.time-missing": {
    status: 400,
    exit: EXIT.definitions,
    about: "Something counts the time of the data, and the data set does not say when its rows happened.",
  },
  "define.type-import": {
    status: 400,
    exit: EXIT.definitions,
    about: "A file of a project imports a type without the word `type`.",
  },
  "define.unknown-column": {
    status: 400,
    exit: EXIT.definitions,
    about: "A definition names a column that the data set does not have.",
  },
  "define.unknown-measure": {
    status: 400,
    exit: EXIT.definitions,
    about: "A requirement asks for a measure that the task does not have.",
  },
  "define.unknown-option": { status: 400, exit: EXIT.definitions, about: "A definition has an option that does not exist." },
  "define.wrong-kind": {
    status: 400,
    exit: EXIT.definitions,
    about: "A definition was handed another kind of definition, or none.",
  },
  "define.wrong-trainer": { status: 400, exit: EXIT.definitions, about: "The trainer cannot learn the problem's task." },
  "define.wrong-type": {
    status: 400,
    exit: EXIT.definitions,
    about: "An expression or a column is of another type than its place needs.",
  },

  // expressions
  "express.name": {
    status: 400,
    exit: EXIT.definitions,
    about: "A column's name is empty or holds a NUL, which SQL cannot name.",
  },
  "express.pattern": {
    status: 400,
    exit: EXIT.definitions,
    about: "A regular expression is faulty, or does not mean the same in SQL and JavaScript.",
  },
  "express.zone": { status: 400, exit: EXIT.definitions, about: "A time zone does not exist." },
  "express.window": { status: 400, exit: EXIT.definitions, about: "A window stands where an expression sees one row only." },
  "express.span": { status: 400, exit: EXIT.definitions, about: "A window's span is not positive, or longer than 100 years." },
  "express.no-time": { status: 400, exit: EXIT.definitions, about: "A window looks back over rows that have no time." },
  "express.leak": {
    status: 400,
    exit: EXIT.definitions,
    about: "A feature reads an outcome of the row itself, which is known only after the event.",
  },
  "express.feature": { status: 400, exit: EXIT.definitions, about: "A feature is of a type that no model reads." },
  "express.known-at": {
    status: 400,
    exit: EXIT.definitions,
    about: "The moment at which an outcome is known is no moment of the kind that the rows' time is.",
  },
  "express.forgotten": {
    status: 422,
    exit: EXIT.data,
    about: "Online windows were asked as of a moment so long ago that its rows are forgotten.",
  },
  "express.operand": {
    status: 400,
    exit: EXIT.definitions,
    about: "An operation was given the wrong number of operands, or one that is no value and no expression.",
  },
  "express.other-dataset": {
    status: 400,
    exit: EXIT.definitions,
    about: "An expression over one data set is used with the rows of another.",
  },
  "express.share": {
    status: 400,
    exit: EXIT.definitions,
    about: "holdsFor was given something other than a share above 0 and at most 1.",
  },
  "express.unfinished": {
    status: 400,
    exit: EXIT.definitions,
    about: "An aggregate without a window, or a check, is used as a value.",
  },
  "express.unknown-column": {
    status: 400,
    exit: EXIT.definitions,
    about: "An expression reads a column that the data set does not have.",
  },
  "express.unknown-operation": {
    status: 400,
    exit: EXIT.definitions,
    about: "An expression uses an operation that does not exist.",
  },
} as const satisfies Record<string, CodeInfo>;
