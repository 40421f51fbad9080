/** Models, endpoints, and what requests name. */
import { type CodeInfo, EXIT } from "./code.ts";

export const SERVING_ERRORS = {
  // registry
  "registry.bundle-format": { status: 409, exit: EXIT.conflict, about: "A bundle was written by a later Millwright." },
  "registry.alias": { status: 400, exit: EXIT.usage, about: "An alias holds other characters, or means something else." },
  "registry.exists": { status: 409, exit: EXIT.conflict, about: "There is a registered model of this name." },
  "registry.gated": {
    status: 403,
    exit: EXIT.refused,
    about: "What gates decide of a model, its name and the versions that the platform made are changed by the project alone.",
  },
  "registry.name": {
    status: 400,
    exit: EXIT.usage,
    about: "The name of a registered model is empty, or holds characters of paths.",
  },
  "registry.source": {
    status: 400,
    exit: EXIT.usage,
    about: "The source of a version names nothing that is logged, or climbs out of its place.",
  },
  "registry.stage": { status: 400, exit: EXIT.usage, about: "A version has no such stage." },
  "registry.tag": { status: 400, exit: EXIT.usage, about: "A tag of a registered model has no key, or is too long." },
  "registry.unknown-alias": { status: 404, exit: EXIT.notFound, about: "A registered model has no such alias." },
  "registry.evidence-missing": { status: 404, exit: EXIT.notFound, about: "The result of a version's step is gone." },
  "registry.unknown-model": { status: 404, exit: EXIT.notFound, about: "A model has no version yet, or does not exist." },
  "registry.unknown-webhook": { status: 404, exit: EXIT.notFound, about: "There is no webhook of this id." },
  "registry.webhook": {
    status: 400,
    exit: EXIT.usage,
    about: "A webhook's name, address, events or secret cannot be used, or its address is private where that is not allowed.",
  },
  "registry.unknown-version": { status: 404, exit: EXIT.notFound, about: "A model has no such version or alias." },

  // endpoints
  "endpoint.busy": {
    status: 503,
    exit: EXIT.away,
    about: "More rows wait for a model that answers in a process of its own than it may keep waiting.",
  },
  "endpoint.down": {
    status: 503,
    exit: EXIT.away,
    about: "The process in which a model answers died, or could not be started; it is being started again.",
  },
  "endpoint.no-answer": {
    status: 422,
    exit: EXIT.data,
    about: "The model's answer to a row is no number, as where values are missing.",
  },
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
