/** Learning, and the graphs that models are exported as. */
import { type CodeInfo, EXIT } from "./code.ts";

export const LEARNING_ERRORS = {
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
  "train.no-search": {
    status: 404,
    exit: EXIT.notFound,
    about: "The trials of a model were asked for whose trainer is not searched for.",
  },
  "train.no-trial": { status: 422, exit: EXIT.data, about: "No trial of a search could be trained and measured." },
  "train.no-model": { status: 422, exit: EXIT.data, about: "A Python script ended well, and saved no model." },
  "train.bad-saved": {
    status: 422,
    exit: EXIT.data,
    about: "What a Python script saved is no model that can be taken: of an unknown kind, too large, or not below its folder.",
  },
  "learn.bad-start": { status: 400, exit: EXIT.data, about: "A model that training should go on from does not fit the rows." },
} as const satisfies Record<string, CodeInfo>;
