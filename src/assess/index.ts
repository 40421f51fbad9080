export { type AssessInput, assess } from "./assess.ts";
export { type GateInput, gate } from "./gate.ts";
export { type ProveInput, prove } from "./prove.ts";
export type { AssessmentReport, Measures, PartReport, SliceReport } from "./report.ts";
