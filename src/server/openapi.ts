/** The verbs as OpenAPI 3.1: its schemas are JSON Schema 2020-12, so those of the verb table stand in it as they are. */
import { type JsonSchema, type OutputOf, VERBS, type Verb } from "../contract/index.ts";

type Endpoint = OutputOf<"getEndpoint">;
type Operation = Readonly<Record<string, unknown>>;

/** With the endpoints that answer, their predictions are described by their own columns. */
export function openApi(version: string, endpoints: readonly Endpoint[] = []) {
  const paths: Record<string, Record<string, Operation>> = {};
  const add = (path: string, method: string, operation: Operation) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  };
  for (const [name, verb] of Object.entries<Verb>(VERBS)) add(bracketed(verb.http.path), verb.http.method, operation(name, verb));
  for (const endpoint of endpoints) add(`/v1/endpoints/${endpoint.name}/predict`, "POST", predictOperation(endpoint));
  for (const [path, operation] of Object.entries(OPEN)) add(path, "GET", operation);
  return {
    openapi: "3.1.0",
    info: {
      title: "Millwright",
      version,
      description: "The open machine-learning platform: every verb of the platform, by HTTP.",
    },
    paths,
    components: { schemas: { Problem: PROBLEM }, securitySchemes: SECURITY },
  };
}

const SECURITY = {
  bearer: { type: "http", scheme: "bearer", description: "The admin token, or a token of a user." },
  basic: { type: "http", scheme: "basic", description: "Any name, the token as password." },
};

const PROBLEM: JsonSchema = {
  type: "object",
  required: ["type", "title", "status", "code", "detail", "requestId"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "block.reason, as in docs/errors.md" },
    detail: { type: "string" },
    at: { type: "string" },
    expected: { type: "string" },
    got: { type: "string" },
    fix: { type: "string", description: "What to do next" },
    requestId: { type: "string" },
  },
};

const content = (type: string, schema: unknown) => ({ content: { [type]: { schema } } });
const problem = (description: string) => ({
  description,
  ...content("application/problem+json", { $ref: "#/components/schemas/Problem" }),
});

function operation(name: string, verb: Verb): Operation {
  const { about, permission, http, stream, bytes } = verb;
  const type = stream ? "application/x-ndjson" : bytes === "out" ? BYTES : "application/json";
  const body =
    bytes === "in"
      ? { required: true, ...content(BYTES, {}) }
      : { required: needsBody(verb), ...content("application/json", bodySchema(verb)) };
  return {
    operationId: name,
    summary: about,
    description: permissionText(permission),
    security:
      permission === "read" || permission === "predict" ? [{}, { bearer: [] }, { basic: [] }] : [{ bearer: [] }, { basic: [] }],
    ...parameters(verb),
    ...(http.method === "POST" ? { requestBody: body } : {}),
    responses: {
      200: { description: stream ? "Lines, as they happen" : "Done", ...content(type, bytes === "out" ? {} : verb.output) },
      ...PROBLEMS,
    },
  };
}

const BYTES = "application/octet-stream";

const PROBLEMS = {
  400: problem("The request does not have the form asked for"),
  401: problem("The token is missing or wrong"),
  403: problem("A stranger's Host or Origin, or a permission that is missing"),
  404: problem("There is no such thing"),
  409: problem("In conflict with the present state"),
  413: problem("More than 10 MiB"),
  415: problem("A body that is not JSON"),
  422: problem("What was sent does not fit, as a row that lacks a column"),
  default: problem("Any other error"),
};

function permissionText(permission: Verb["permission"]): string {
  if (permission === "read" || permission === "predict")
    return `Permission: ${permission}. Open on the loopback address; needs a token elsewhere.`;
  return `Permission: ${permission}. Needs a token that gives it.`;
}

const pathFields = ({ http }: Verb) => [...http.path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
const bracketed = (path: string) => path.replaceAll(/:(\w+)/g, "{$1}");
const needsBody = (verb: Verb) => (verb.input.required ?? []).some((field) => !pathFields(verb).includes(field));

function parameters(verb: Verb): Operation {
  const inPath = pathFields(verb);
  const fields = Object.entries(verb.input.properties ?? {}).filter(
    ([name]) => inPath.includes(name) || verb.http.method === "GET" || verb.bytes === "in",
  );
  if (fields.length === 0) return {};
  return {
    parameters: fields.map(([name, schema]) => ({
      name,
      in: inPath.includes(name) ? "path" : "query",
      required: verb.input.required?.includes(name) ?? false,
      ...(schema.description ? { description: schema.description } : {}),
      schema,
    })),
  };
}

/** The input without what stands in the path. */
function bodySchema(verb: Verb): JsonSchema {
  const inPath = pathFields(verb);
  const { properties = {}, required = [] } = verb.input;
  return {
    ...verb.input,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !inPath.includes(name))),
    required: required.filter((name) => !inPath.includes(name)),
  };
}

function predictOperation(endpoint: Endpoint): Operation {
  const verb: Verb = VERBS.predict;
  const rows: JsonSchema = { ...verb.input.properties!.rows!, items: rowSchema(endpoint) };
  const body: JsonSchema = { type: "object", properties: { rows }, required: ["rows"], additionalProperties: false };
  const { parameters: _, ...rest } = operation("predict", verb) as { parameters: unknown };
  return {
    ...rest,
    operationId: `predict-${endpoint.name}`,
    summary: `Predict rows with ${endpoint.name}.`,
    requestBody: { required: true, ...content("application/json", body) },
  };
}

function rowSchema({ request }: Endpoint): JsonSchema {
  const properties = request.map(({ name, type, nullable, about, unit }) => {
    const description = [about, unit && `in ${unit}`].filter(Boolean).join(", ");
    const base = valueSchema(type);
    return [name, { ...(nullable ? { anyOf: [base, { type: "null" }] } : base), ...(description ? { description } : {}) }];
  });
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    required: request.filter(({ optional }) => !optional).map(({ name }) => name),
    additionalProperties: false,
  };
}

function valueSchema(type: Endpoint["request"][number]["type"]): JsonSchema {
  if (type === "boolean") return { type: "boolean" };
  if (type === "int64") return { anyOf: [{ type: "integer" }, { type: "string", pattern: "^-?[0-9]+$" }] };
  if (/^u?int/.test(type)) return { type: "integer" };
  if (/^float/.test(type)) return { type: "number" };
  return { type: "string" };
}

const plain = (summary: string, type: string): Operation => ({
  summary,
  security: [],
  responses: { 200: { description: "Done", ...content(type, {}) }, default: problem("Any error") },
});

const OPEN: Readonly<Record<string, Operation>> = {
  "/healthz": plain("Whether the server is alive.", "application/json"),
  "/readyz": plain("Whether every endpoint is loaded.", "application/json"),
  "/metrics": plain("Metrics for Prometheus.", "text/plain"),
  "/openapi.json": plain("This document.", "application/json"),
};
