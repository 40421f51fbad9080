export { type LabelledColumns, readPart } from "./read-part.ts";
export { GROUP, LABEL, slicePrefix, TIME, type TrainingSetInput, trainingSet, windowSpans } from "./training-set.ts";
