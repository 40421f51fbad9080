/** Steps, runs and schedules. */
import { type CodeInfo, EXIT } from "./code.ts";

export const WORK_ERRORS = {
  "definitions.ambiguous": { status: 400, exit: EXIT.usage, about: "More than one version of the definitions begins so." },
  "definitions.outdated": {
    status: 409,
    exit: EXIT.conflict,
    about: "A run was to go by earlier definitions, but steps that they ask for have another revision by now, or are gone.",
  },
  "definitions.unknown": { status: 404, exit: EXIT.notFound, about: "No run went by such a version of the definitions." },
  "schedule.unknown": { status: 404, exit: EXIT.notFound, about: "There is no schedule of this name in the project." },
  "backfill.unknown": { status: 404, exit: EXIT.notFound, about: "There is no backfill with this id." },
  "backfill.unpartitioned": {
    status: 422,
    exit: EXIT.definitions,
    about: "A backfill was asked for of something that is not made from one data set with partitions.",
  },
  "backfill.range": {
    status: 400,
    exit: EXIT.usage,
    about: "A backfill was asked for over periods that a data set does not have.",
  },
  "backfill.state": { status: 409, exit: EXIT.conflict, about: "A backfill is not in a state in which this can be done to it." },
  "partition.redefined": {
    status: 409,
    exit: EXIT.conflict,
    about: "A run met partitions that were taken in by another definition: only a backfill takes them in again.",
  },
  "partition.failed": { status: 422, exit: EXIT.data, about: "Partitions of a data set could not be taken in." },
  "run.ended": { status: 409, exit: EXIT.conflict, about: "A run that has ended cannot be held back." },
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
} as const satisfies Record<string, CodeInfo>;
