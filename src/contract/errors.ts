/**
 * Every error code, with the HTTP status and exit code it leads to. A code is never reused for another meaning.
 * `docs/errors.md` explains each one; a test ties this table, the `MillError`s in the sources and that page together.
 */
export const EXIT = {
  done: 0,
  fault: 1,
  usage: 2,
  definitions: 3,
  data: 4,
  refused: 5,
  notFound: 6,
  conflict: 7,
  away: 8,
  interrupted: 130,
} as const;

export interface CodeInfo {
  readonly status: number;
  readonly exit: number;
  /** When it happens, in one sentence. */
  readonly about: string;
}

export const ERRORS = {
  // internal
  "internal.unexpected": { status: 500, exit: EXIT.fault, about: "A fault of Millwright itself." },
  "internal.not-json": { status: 500, exit: EXIT.fault, about: "A value that JSON cannot say was to be digested." },

  // values
  "value.duration": {
    status: 400,
    exit: EXIT.definitions,
    about: "A duration is not a positive number with one of the units s, m, h, d, w.",
  },
  "value.cron": {
    status: 400,
    exit: EXIT.definitions,
    about: "A time of the wall clock is no cron pattern of five fields, never comes, or its zone is not known.",
  },

  "envelope.altered": { status: 500, exit: EXIT.data, about: "Encrypted bytes are not as they were written." },
  "envelope.bad-key": {
    status: 500,
    exit: EXIT.usage,
    about: "A key for encryption is not 32 bytes long, or its id does not fit.",
  },
  "envelope.unknown-key": {
    status: 500,
    exit: EXIT.usage,
    about: "What is encrypted needs a key that the keyring does not have.",
  },

  // command line and configuration
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

  // ONNX graphs
  "onnx.invalid-graph": { status: 500, exit: EXIT.fault, about: "A graph that Millwright built is not valid ONNX." },
  "onnx.malformed": { status: 400, exit: EXIT.data, about: "The bytes are not an ONNX model." },
  "onnx.unsupported": {
    status: 400,
    exit: EXIT.data,
    about: "An ONNX model uses a part of ONNX that Millwright does not read, or a model has a part that ONNX cannot say.",
  },
  "onnx.too-large": { status: 413, exit: EXIT.data, about: "An ONNX model is larger than its limit." },

  // learn
  "learn.empty": { status: 422, exit: EXIT.data, about: "There is no labelled row to train on." },
  "learn.one-class": { status: 422, exit: EXIT.data, about: "All training rows have the same label." },
  "learn.bad-label": { status: 422, exit: EXIT.data, about: "A label is missing, infinite or no class." },
  "learn.bad-weight": { status: 422, exit: EXIT.data, about: "A row's weight is negative or not finite, or all are 0." },
  "learn.bad-column": {
    status: 422,
    exit: EXIT.data,
    about: "A column is absent, of another kind, without values, or holds infinities.",
  },
  "learn.bad-parameter": {
    status: 400,
    exit: EXIT.definitions,
    about: "A parameter of an estimator is unknown or out of range.",
  },
  "learn.unknown-estimator": { status: 400, exit: EXIT.definitions, about: "There is no estimator with this name." },
  "learn.unknown-transformer": { status: 400, exit: EXIT.definitions, about: "There is no transformer with this name." },
  "learn.unknown-measure": { status: 400, exit: EXIT.definitions, about: "There is no measure with this name for the task." },
  "learn.not-explained": {
    status: 422,
    exit: EXIT.definitions,
    about: "A model cannot say what each column adds to its scores.",
  },
  "learn.bad-split": { status: 422, exit: EXIT.data, about: "Rows cannot be cut into the folds that were asked for." },
  "learn.task": { status: 400, exit: EXIT.definitions, about: "The estimator cannot learn this task." },
  "learn.cancelled": { status: 409, exit: EXIT.interrupted, about: "Training was cancelled; nothing was kept." },
  "learn.worker-lost": { status: 500, exit: EXIT.fault, about: "A training thread ended early, as when memory runs out." },
  "learn.too-large": { status: 413, exit: EXIT.data, about: "Training needs more shared memory than there is, or than 4 GiB." },
  "learn.bad-model": { status: 500, exit: EXIT.data, about: "A stored model cannot be read." },
  "learn.bad-start": { status: 400, exit: EXIT.data, about: "A model that training should go on from does not fit the rows." },

  // objects, records, tables, engines, scoring, notices
  "object.denied": { status: 502, exit: EXIT.away, about: "The store of the objects refuses our access key." },
  "object.no-keyring": {
    status: 500,
    exit: EXIT.usage,
    about: "The store of the objects is encrypted, and no keyring was given.",
  },
  "object.other-store": {
    status: 500,
    exit: EXIT.conflict,
    about: "The place of the objects is not that of this workspace.",
  },
  "object.other-encryption": {
    status: 500,
    exit: EXIT.usage,
    about: "A store was to be opened as encrypted that is not, or the other way round.",
  },
  "object.unreachable": { status: 503, exit: EXIT.away, about: "The store of the objects does not answer, or fails." },
  "object.disk-full": { status: 507, exit: EXIT.away, about: "There is no room for an object; nothing was stored." },
  "object.not-writable": { status: 500, exit: EXIT.away, about: "The folder of the objects cannot be written." },
  "object.unreadable": { status: 500, exit: EXIT.away, about: "An object, or a file to be stored as one, cannot be read." },
  "object.missing": { status: 404, exit: EXIT.notFound, about: "No object with this digest is stored here." },
  "object.corrupt": { status: 500, exit: EXIT.data, about: "The stored bytes of an object do not match its digest." },
  "engine.address": { status: 500, exit: EXIT.usage, about: "An engine's address or name cannot be used." },
  "engine.away": {
    status: 503,
    exit: EXIT.away,
    about: "An engine does not answer; its jobs go on, and it is asked again.",
  },
  "engine.denied": { status: 502, exit: EXIT.away, about: "An engine refuses our token, or none was given." },
  "engine.lost": {
    status: 502,
    exit: EXIT.away,
    about: "An engine lost a job: its machine failed, or the engine forgot it. It is tried again.",
  },
  "engine.not-started": { status: 503, exit: EXIT.away, about: "The process of a step could not be started." },
  "engine.sandbox": { status: 500, exit: EXIT.away, about: "The sandbox that steps are set to run in cannot be made." },
  "engine.unknown": { status: 400, exit: EXIT.usage, about: "A step was asked for on an engine that is not configured." },
  "engine.refused": { status: 502, exit: EXIT.usage, about: "An engine will not run a job that is asked so." },
  "records.address": { status: 500, exit: EXIT.usage, about: "The address of the records cannot be read." },
  "records.away": {
    status: 503,
    exit: EXIT.away,
    about: "The database server does not answer, or went away in the middle of a commit.",
  },
  "records.closed": { status: 503, exit: EXIT.fault, about: "The records were used after they were closed." },
  "records.constraint": { status: 409, exit: EXIT.conflict, about: "A row breaks a constraint; the whole commit was undone." },
  "records.corrupt": { status: 500, exit: EXIT.data, about: "The database file is damaged, or is no database." },
  "records.disk-full": { status: 507, exit: EXIT.away, about: "There is no room for a commit; it was undone whole." },
  "records.locked": { status: 409, exit: EXIT.conflict, about: "Another program holds the database or owns its schema." },
  "records.migration-edited": { status: 500, exit: EXIT.fault, about: "A migration differs from the one this database ran." },
  "records.newer": { status: 409, exit: EXIT.conflict, about: "The database was made by a newer Millwright." },
  "records.not-openable": { status: 500, exit: EXIT.away, about: "The database cannot be opened, read or written." },
  "records.statement": { status: 500, exit: EXIT.fault, about: "A statement to the records is wrong: a fault of Millwright." },
  "records.value": {
    status: 400,
    exit: EXIT.data,
    about: "A value cannot be kept in the records: a text with NUL, NaN, more than 64 bits.",
  },
  "scoring.unavailable": { status: 503, exit: EXIT.away, about: "The package that runs ONNX graphs is not installed." },
  "scoring.bad-model": { status: 422, exit: EXIT.data, about: "The bytes are no ONNX graph that scores rows." },
  "scoring.bad-input": { status: 422, exit: EXIT.data, about: "Rows lack a column that a graph reads, or its type differs." },
  "scoring.failed": { status: 500, exit: EXIT.fault, about: "A graph failed while it scored rows, or its thread ended." },
  "scoring.closed": { status: 503, exit: EXIT.fault, about: "A scoring session was used after it was closed." },
  "tables.query": { status: 500, exit: EXIT.fault, about: "The SQL engine refused or failed a query." },
  "tables.memory": { status: 507, exit: EXIT.away, about: "A query needs more memory than it may use." },
  "tables.disk-full": { status: 507, exit: EXIT.away, about: "There is no room for what a query writes or spills." },
  "tables.frame-type": { status: 500, exit: EXIT.fault, about: "A query's column is of a type that typed arrays cannot hold." },
  "tables.closed": { status: 503, exit: EXIT.fault, about: "The tables were used after they were closed." },
  "notice.bad-target": { status: 500, exit: EXIT.usage, about: "The webhook's address or secret cannot be used." },
  "notice.failed": {
    status: 503,
    exit: EXIT.away,
    about: "The webhook was not reached or did not take a notice; it is tried again.",
  },
  "notice.gone": { status: 410, exit: EXIT.away, about: "The webhook wants no more notices." },
  "notice.private": { status: 403, exit: EXIT.refused, about: "The webhook lies in a private network, which is not allowed." },

  // steps
  "schedule.unknown": { status: 404, exit: EXIT.notFound, about: "There is no schedule of this name in the project." },
  "run.unknown": { status: 404, exit: EXIT.notFound, about: "There is no run with this id." },
  "step.bad-folder": { status: 500, exit: EXIT.usage, about: "`mill step` was given a folder that is no attempt of a step." },
  "step.bad-manifest": {
    status: 500,
    exit: EXIT.fault,
    about: "A step left no manifest, or one that names objects it did not store.",
  },
  "step.cancelled": { status: 409, exit: EXIT.interrupted, about: "A step was cancelled before it was done." },
  "step.crashed": { status: 500, exit: EXIT.fault, about: "The process of a step ended without an outcome." },
  "step.disk-full": { status: 507, exit: EXIT.away, about: "The disk is full, so a step could not go on." },
  "step.memory": { status: 507, exit: EXIT.away, about: "A step took more memory than it may have." },
  "step.revision": { status: 409, exit: EXIT.conflict, about: "A step was planned with another revision of its kind." },
  "step.timeout": { status: 504, exit: EXIT.fault, about: "A step waited, ran or was silent for longer than it may." },
  "step.unknown": { status: 404, exit: EXIT.notFound, about: "There is no step with this id." },
  "step.unknown-pool": { status: 400, exit: EXIT.usage, about: "A step was asked for in a pool that has no limit here." },
  "step.unknown-kind": {
    status: 500,
    exit: EXIT.fault,
    about: "A step of a kind was asked for that this program does not have.",
  },

  // guard and HTTP
  "guard.token-required": { status: 401, exit: EXIT.refused, about: "The verb needs a token, and none was sent." },
  "guard.not-permitted": { status: 403, exit: EXIT.refused, about: "The actor lacks the permission that the verb needs." },
  "guard.workspace-unwritable": {
    status: 507,
    exit: EXIT.away,
    about: "The workspace cannot be written: its disk is full, or its folder is not this account's.",
  },
  "guard.workspace-locked": { status: 409, exit: EXIT.conflict, about: "Another process owns the workspace." },
  "guard.keyring-broken": { status: 500, exit: EXIT.data, about: "The keys that secrets are encrypted under cannot be read." },
  "guard.keyring-configured": {
    status: 409,
    exit: EXIT.usage,
    about: "Keys that come with the configuration were to be changed by the platform.",
  },
  "guard.key-current": { status: 409, exit: EXIT.conflict, about: "The keyring's current key was to be dropped." },
  "inference.malformed": {
    status: 400,
    exit: EXIT.usage,
    about: "An inference request is not JSON, or not of the protocol's form.",
  },
  "inference.tensor": { status: 400, exit: EXIT.usage, about: "A tensor's shape, type or data do not agree." },
  "inference.inputs": {
    status: 400,
    exit: EXIT.usage,
    about: "The inputs of an inference request are not those of the endpoint.",
  },
  "inference.outputs": { status: 400, exit: EXIT.usage, about: "An inference request asks for an output that does not exist." },
  "inference.version": { status: 404, exit: EXIT.notFound, about: "The endpoint does not answer with the version asked for." },
  "guard.access-key-unknown": { status: 404, exit: EXIT.notFound, about: "No access key with this id is in force." },
  "guard.token-wrong": { status: 401, exit: EXIT.refused, about: "The token that was sent is none of this workspace." },
  "guard.token-expired": { status: 401, exit: EXIT.refused, about: "The token that was sent has expired." },
  "guard.token-revoked": { status: 401, exit: EXIT.refused, about: "The token that was sent was revoked." },
  "guard.step-token-ended": { status: 401, exit: EXIT.refused, about: "The token of an attempt at a step ended with it." },
  "guard.token-unknown": { status: 404, exit: EXIT.notFound, about: "No token of a user with this id is in force." },
  "guard.token-beyond": { status: 409, exit: EXIT.refused, about: "A token was to allow more than its user's roles do." },
  "guard.user-unknown": { status: 404, exit: EXIT.notFound, about: "There is no user of this name." },
  "guard.user-exists": {
    status: 409,
    exit: EXIT.conflict,
    about: "The name is one that a user has, or that means someone already.",
  },
  "guard.user-disabled": { status: 403, exit: EXIT.refused, about: "The user was disabled, and may do nothing." },
  "guard.owner-stays": {
    status: 409,
    exit: EXIT.refused,
    about: "The owner of the workspace cannot be disabled, and is admin always.",
  },
  "guard.login-refused": { status: 401, exit: EXIT.refused, about: "A login's name or password is wrong." },
  "guard.login-throttled": {
    status: 429,
    exit: EXIT.refused,
    about: "Too many logins failed, or wait: the next must wait as well.",
  },
  "guard.oidc-answer": {
    status: 401,
    exit: EXIT.refused,
    about: "What the OpenID provider sent is no answer to a login that was begun here, or its ID token does not hold.",
  },
  "guard.oidc-away": { status: 503, exit: EXIT.away, about: "The OpenID provider does not answer, or not as it should." },
  "guard.oidc-not-admitted": {
    status: 403,
    exit: EXIT.refused,
    about: "Who logged in at the OpenID provider is nobody whom a rule lets in.",
  },
  "guard.too-many-requests": {
    status: 429,
    exit: EXIT.refused,
    about: "An address or a user sent more requests than it may for now.",
  },
  "guard.csrf": {
    status: 403,
    exit: EXIT.refused,
    about: "A request came with a session's cookie and without the session's own token.",
  },
  "guard.role-unknown": { status: 404, exit: EXIT.notFound, about: "There is no role of this name." },
  "guard.role-fixed": { status: 409, exit: EXIT.refused, about: "The role is the same in every workspace." },
  "guard.role-held": { status: 409, exit: EXIT.conflict, about: "A role that somebody has was to be deleted." },
  "request.malformed": {
    status: 400,
    exit: EXIT.usage,
    about: "A request is not well formed: no JSON, a bad path, a bad encoding.",
  },
  "request.media-type": {
    status: 415,
    exit: EXIT.usage,
    about: "The body of a request is of a type or encoding that is not read.",
  },
  "request.too-large": { status: 413, exit: EXIT.usage, about: "The body of a request is larger than 10 MiB." },
  "request.unknown-path": { status: 404, exit: EXIT.notFound, about: "There is nothing at the path of a request." },
  "request.method": { status: 405, exit: EXIT.usage, about: "A path is asked with a method that is not for it." },
  "request.stranger": { status: 403, exit: EXIT.refused, about: "The Host or Origin of a request is not one of this server." },
  "server.port-taken": { status: 503, exit: EXIT.conflict, about: "Another process listens on the port." },
  "server.not-listening": { status: 503, exit: EXIT.away, about: "The server cannot listen on its address." },
  "request.invalid": { status: 400, exit: EXIT.usage, about: "A request does not have the form that its verb asks for." },

  // backup
  "backup.missing": { status: 404, exit: EXIT.notFound, about: "There is no finished backup where one was to be restored from." },
  "backup.damaged": { status: 422, exit: EXIT.data, about: "A backup is incomplete, cut short or altered." },
  "backup.newer": { status: 409, exit: EXIT.conflict, about: "A backup was made by a newer Millwright." },
  "backup.not-empty": {
    status: 409,
    exit: EXIT.conflict,
    about: "A backup or a restored workspace was to go where something is already.",
  },
  "backup.passphrase": {
    status: 400,
    exit: EXIT.usage,
    about: "The passphrase of a backup's keys is missing, too short or wrong.",
  },
  "backup.object-missing": {
    status: 422,
    exit: EXIT.data,
    about: "The records name an object that the store does not have as it was.",
  },
  "backup.unfinished": { status: 409, exit: EXIT.conflict, about: "A workspace was being restored, and that broke off." },

  // lake, splits, holdout
  "lake.ambiguous-ref": { status: 400, exit: EXIT.usage, about: "More than one commit begins with the digits given." },
  "lake.bad-entry": { status: 400, exit: EXIT.usage, about: "The metadata and headers of an object are too long." },
  "lake.bad-hook": { status: 400, exit: EXIT.usage, about: "A hook of a repository is not of the form." },
  "lake.bad-name": {
    status: 400,
    exit: EXIT.usage,
    about: "A name that no data set, repository, branch or tag can have.",
  },
  "lake.bad-path": { status: 400, exit: EXIT.usage, about: "A path that no object of a repository can have." },
  "lake.branch-needed": {
    status: 409,
    exit: EXIT.conflict,
    about: "The branch that a repository opens with was to be removed.",
  },
  "lake.bad-retention": { status: 400, exit: EXIT.usage, about: "A retention rule cannot keep so many days." },
  "lake.collecting": { status: 409, exit: EXIT.conflict, about: "Another collection, or a backup, is under way." },
  "lake.condition": {
    status: 412,
    exit: EXIT.conflict,
    about: "A path is not as the writer expects: another ETag, there, or not there.",
  },
  "lake.corrupt-entry": { status: 500, exit: EXIT.fault, about: "The bytes of an entry in a repository cannot be read." },
  "lake.corrupt-node": { status: 500, exit: EXIT.fault, about: "An object that a tree names is not a node of a tree." },
  "lake.disk-full": { status: 507, exit: EXIT.away, about: "There is no room for new rows; earlier ones are intact." },
  "lake.freed": { status: 410, exit: EXIT.notFound, about: "What a commit held was given up by a retention rule." },
  "lake.hook-refused": { status: 422, exit: EXIT.refused, about: "A hook of a repository refuses a commit or merge." },
  "lake.journal": { status: 500, exit: EXIT.away, about: "The journal of a data set cannot be written." },
  "lake.locked": { status: 423, exit: EXIT.conflict, about: "Somebody else holds a branch, or a part of it, for a while." },
  "lake.moved": { status: 409, exit: EXIT.conflict, about: "A data set or branch moved on in the meantime." },
  "lake.not-locked": { status: 404, exit: EXIT.notFound, about: "Nobody holds what was to be released." },
  "lake.nothing-staged": { status: 409, exit: EXIT.conflict, about: "A branch holds what its head holds." },
  "lake.protected": {
    status: 403,
    exit: EXIT.refused,
    about: "A protected branch changes by merges, reverts and cherry-picks alone.",
  },
  "lake.ref-exists": { status: 409, exit: EXIT.conflict, about: "A repository has a branch or tag of this name already." },
  "lake.repository-exists": { status: 409, exit: EXIT.conflict, about: "There is a repository of this name already." },
  "lake.uncommitted": {
    status: 409,
    exit: EXIT.conflict,
    about: "A path is staged on a branch, and changed by what is brought there.",
  },
  "lake.unknown-collection": { status: 404, exit: EXIT.notFound, about: "There was no such collection." },
  "lake.unknown-hook": { status: 404, exit: EXIT.notFound, about: "A repository has no hook of this name." },
  "lake.unknown-ref": { status: 404, exit: EXIT.notFound, about: "A repository has no such branch, tag or commit." },
  "lake.unknown-repository": { status: 404, exit: EXIT.notFound, about: "There is no repository of this name." },
  "lake.unknown-upload": { status: 404, exit: EXIT.notFound, about: "There is no upload in parts with this id under way." },
  "lake.unsorted": {
    status: 400,
    exit: EXIT.usage,
    about: "Changes to be streamed into a branch are not sorted by path, each path once.",
  },
  "lake.unfit-parts": {
    status: 422,
    exit: EXIT.data,
    about: "Files that were to become a version of a data set are no Parquet of its columns.",
  },
  "lake.unknown-version": { status: 404, exit: EXIT.notFound, about: "A data set has no such version." },
  "table.bad-descriptor": { status: 422, exit: EXIT.data, about: "What describes a table of the lake is not of the form." },
  "table.duplicate-key": { status: 422, exit: EXIT.data, about: "Two rows of a table have the key that names one." },
  "table.key-missing": { status: 422, exit: EXIT.data, about: "A file of a table does not have a column of its key." },
  "split.frozen": {
    status: 409,
    exit: EXIT.definitions,
    about: "A definition asks for another split than the one that was frozen.",
  },
  "generation.abandoned": {
    status: 409,
    exit: EXIT.conflict,
    about: "A generation of a data set was given up, and cannot be cut.",
  },
  "generation.first": { status: 409, exit: EXIT.conflict, about: "The first generation of a data set cannot be given up." },
  "generation.moved": {
    status: 409,
    exit: EXIT.conflict,
    about: "A data set got another generation while a run was on its way.",
  },
  "generation.rows": {
    status: 400,
    exit: EXIT.usage,
    about: "A generation asks for rows that a journal does not have, or for a moment that is none.",
  },
  "generation.unfrozen": {
    status: 409,
    exit: EXIT.conflict,
    about: "A data set gets another generation only when the one before is frozen or given up.",
  },
  "split.holdout-locked": { status: 403, exit: EXIT.refused, about: "A step that may not read the holdout asked for it." },

  // training sets
  "features.no-labels": { status: 422, exit: EXIT.data, about: "A part of a training set has no row whose label is known." },
  "features.unseen-class": { status: 422, exit: EXIT.data, about: "Rows have a label that no training row has." },

  // registry
  "registry.bundle-format": { status: 409, exit: EXIT.conflict, about: "A bundle was written by a later Millwright." },
  "registry.evidence-missing": { status: 404, exit: EXIT.notFound, about: "The result of a version's step is gone." },
  "registry.unknown-model": { status: 404, exit: EXIT.notFound, about: "A model has no version yet, or does not exist." },
  "registry.unknown-version": { status: 404, exit: EXIT.notFound, about: "A model has no such version or alias." },

  // endpoints
  "endpoint.no-previous": { status: 409, exit: EXIT.conflict, about: "An endpoint has no earlier version to go back to." },
  "endpoint.rollout": {
    status: 409,
    exit: EXIT.conflict,
    about: "A rollout cannot start, advance or end as asked: none is under way, another one is, or the version is no candidate.",
  },
  "endpoint.unknown": { status: 404, exit: EXIT.notFound, about: "No endpoint of this name answers." },
  "request.label": {
    status: 422,
    exit: EXIT.data,
    about: "A label does not name a prediction, or is not one that the endpoint's task has.",
  },
  "request.row": { status: 422, exit: EXIT.data, about: "A row does not have the columns and types that an endpoint takes." },

  // verbs
  "request.bad-cursor": { status: 400, exit: EXIT.usage, about: "The cursor of a page is not one that the list gave." },
  "request.bad-version": { status: 400, exit: EXIT.usage, about: "A version is not written as NAME@VERSION or NAME@ALIAS." },
  "request.unknown-name": { status: 404, exit: EXIT.notFound, about: "The project defines nothing of this name." },
  "request.unknown-target": { status: 404, exit: EXIT.notFound, about: "The project has no such target." },
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof ERRORS;

/** What a code leads to; an unknown code is our own fault. */
export const codeInfo = (code: string): CodeInfo =>
  (ERRORS as Record<string, CodeInfo>)[code] ?? { status: 500, exit: EXIT.fault, about: "A fault of Millwright itself." };
