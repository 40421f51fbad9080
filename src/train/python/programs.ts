import { fileURLToPath } from "node:url";

const program = (name: string) => fileURLToPath(new URL(`./program/${name}`, import.meta.url));

/** Python programs of ours, by their paths: they are files, and run in environments of models. */
/** What scripts import as `millwright`. */
export const JOB_MODULE = program("millwright.py");
export const NOTEBOOK_PROGRAM = program("notebook.py");
export const PREDICT_PROGRAM = program("predict.py");
export const CONVERT_PROGRAM = program("convert.py");
