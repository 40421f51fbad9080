/**
 * Open Inference Protocol v2 over REST, with Triton's binary tensor extension. A model there is an endpoint here; its version is the model version.
 *
 * A request has one input for each column of a row, [N] or [N, 1]. Outputs by task: `probability` and `decision`; `label` and `probabilities`; `value`.
 * Only the version that the endpoint answers with can be asked for. Source: the specification's `inference_rest.md`, Triton's `extension_binary_data.md`.
 */
import { asMillError, MillError } from "../base/index.ts";
import { codeInfo, type OutputOf, ROWS_MAX } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import { readInferRequest, type Tensor } from "./open-inference-request.ts";
import type { ForeignReply, ForeignRequest, ForeignRoute } from "./route.ts";
import { datatypeOf, type Element, fits, writeRawData } from "./tensors.ts";

type Endpoint = OutputOf<"getEndpoint">;
type Predictions = OutputOf<"predict">["predictions"];

export function openInferenceRoutes(platformVersion: string): ForeignRoute[] {
  const route = (method: ForeignRoute["method"], path: string, handle: ForeignRoute["handle"]): ForeignRoute => ({
    method,
    path,
    door: "open-inference",
    plane: "data",
    handle,
    fail,
  });
  const forModel = (method: ForeignRoute["method"], rest: string, handle: ForeignRoute["handle"]) => [
    route(method, `/v2/models/:name${rest}`, handle),
    route(method, `/v2/models/:name/versions/:version${rest}`, handle),
  ];
  return [
    route("GET", "/v2", async () =>
      json(200, { name: "millwright", version: platformVersion, extensions: ["binary_tensor_data"] }),
    ),
    route("GET", "/v2/health/live", async () => json(200, { live: true })),
    route("GET", "/v2/health/ready", async (_, call) => readiness((await call("listEndpoints", { limit: 1000 })).items)),
    route("GET", "/v2/models", async (_, call) =>
      json(200, { models: (await call("listEndpoints", { limit: 1000 })).items.map(({ name }) => name) }),
    ),
    ...forModel("GET", "", async (request, call) => json(200, metadata(await findEndpoint(request, call)))),
    ...forModel("GET", "/ready", async (request, call) => modelReadiness(await findEndpoint(request, call))),
    ...forModel("POST", "/infer", infer),
  ];
}

async function infer(request: ForeignRequest, call: BoundCall): Promise<ForeignReply> {
  const asked = readInferRequest(request);
  const endpoint = await findEndpoint(request, call);
  const { rows, rowCount } = toRows(asked.inputs, endpoint);
  const reply = rowCount === 0 ? null : await call("predict", { name: endpoint.name, rows });
  const outputs = toOutputs(reply?.predictions ?? [], endpoint);
  const chosen =
    asked.outputs?.map((wanted) => ({ ...pick(outputs, wanted.name), binary: wanted.binary })) ??
    outputs.map((output) => ({ ...output, binary: asked.binary }));
  const version = reply?.version ?? endpoint.version;
  return write(
    { model_name: endpoint.name, model_version: String(version), ...(asked.id === undefined ? {} : { id: asked.id }) },
    chosen,
  );
}

/** The endpoint, if it answers with the version asked for. */
async function findEndpoint({ params }: ForeignRequest, call: BoundCall): Promise<Endpoint> {
  const endpoint = await call("getEndpoint", { name: params.name });
  if (params.version === undefined || params.version === String(endpoint.version)) return endpoint;
  throw new MillError("inference.version", `"${endpoint.name}" does not answer with version ${params.version}.`, {
    expected: `version ${endpoint.version}`,
    got: params.version,
    fix: "Leave the version out, or ask for the one that is served.",
  });
}

function readiness(endpoints: readonly { readonly name: string; readonly ready: boolean }[]): ForeignReply {
  const waiting = endpoints.filter(({ ready }) => !ready).map(({ name }) => name);
  const ready = waiting.length === 0;
  return json(ready ? 200 : 503, { live: true, ready, ...(ready ? {} : { error: `not ready: ${waiting.join(", ")}` }) });
}

function modelReadiness({ name, ready }: Endpoint): ForeignReply {
  return json(ready ? 200 : 503, { name, ready, ...(ready ? {} : { error: `"${name}" is not ready` }) });
}

function metadata(endpoint: Endpoint) {
  const inputs = endpoint.request.map(({ name, type, nullable, optional }) => ({
    name,
    datatype: datatypeOf(type),
    shape: [-1, 1],
    properties: {
      type,
      nullable: String(nullable),
      optional: String(optional ?? false),
      missing: "null in JSON, NaN in raw numbers",
    },
  }));
  const outputs = outputsOf(endpoint).map(({ name, datatype, width }) => ({ name, datatype, shape: [-1, width] }));
  return { name: endpoint.name, versions: [String(endpoint.version)], platform: "millwright", inputs, outputs };
}

/** Columns of tensors to rows of fields. */
function toRows(inputs: readonly Tensor[], endpoint: Endpoint): { rows: Record<string, Element>[]; rowCount: number } {
  const expected = endpoint.request.map(({ name, type }) => `${name} (${datatypeOf(type)})`).join(", ");
  const refuse = (message: string, got: string) =>
    new MillError("inference.inputs", message, { expected, got, fix: `Send what GET /v2/models/${endpoint.name} lists.` });

  for (const { name, datatype } of inputs) {
    const column = endpoint.request.find((one) => one.name === name);
    if (!column) throw refuse(`"${endpoint.name}" has no input "${name}"; it takes ${expected}.`, name);
    if (!fits(datatype, datatypeOf(column.type))) {
      throw refuse(`The input "${name}" must be ${datatypeOf(column.type)}, got ${datatype}.`, `${name} (${datatype})`);
    }
  }
  const missing = endpoint.request.find(({ name, optional }) => !optional && !inputs.some((input) => input.name === name));
  if (missing)
    throw refuse(
      `The input "${missing.name}" is missing; "${endpoint.name}" takes ${expected}.`,
      inputs.map(({ name }) => name).join(", "),
    );
  const rowCount = inputs[0]?.elements.length ?? 0;
  const uneven = inputs.find(({ elements }) => elements.length !== rowCount);
  if (uneven)
    throw refuse(
      `Every input must have as many rows: "${inputs[0]!.name}" has ${rowCount}, "${uneven.name}" ${uneven.elements.length}.`,
      "other shapes",
    );
  if (rowCount > ROWS_MAX) throw refuse(`At most ${ROWS_MAX} rows in one request, got ${rowCount}.`, `${rowCount} rows`);
  const rows = Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(inputs.map(({ name, elements }) => [name, elements[row]!])),
  );
  return { rows, rowCount };
}

interface OutputForm {
  readonly name: string;
  readonly datatype: "BOOL" | "FP64" | "BYTES";
  readonly width: number;
}

interface Output extends OutputForm {
  readonly elements: readonly (number | string | boolean)[];
  readonly rowCount: number;
}

function outputsOf({ task, classes }: Endpoint): OutputForm[] {
  if (task === "regression") return [{ name: "value", datatype: "FP64", width: 1 }];
  if (task === "binary-classification") {
    return [
      { name: "probability", datatype: "FP64", width: 1 },
      { name: "decision", datatype: "BOOL", width: 1 },
    ];
  }
  return [
    { name: "label", datatype: "BYTES", width: 1 },
    { name: "probabilities", datatype: "FP64", width: classes.length },
  ];
}

function toOutputs(predictions: Predictions, endpoint: Endpoint): Output[] {
  const elements = (name: string) =>
    (predictions as readonly Readonly<Record<string, unknown>>[]).flatMap((prediction) => {
      const value = prediction[name];
      if (name !== "probabilities") return [value as number | string | boolean];
      return endpoint.classes.map((label) => (value as Readonly<Record<string, number>>)[label]!);
    });
  return outputsOf(endpoint).map((form) => ({ ...form, elements: elements(form.name), rowCount: predictions.length }));
}

function pick(outputs: readonly Output[], name: string): Output {
  const found = outputs.find((output) => output.name === name);
  if (found) return found;
  const names = outputs.map((output) => output.name).join(", ");
  throw new MillError("inference.outputs", `There is no output "${name}"; there are ${names}.`, {
    expected: names,
    got: name,
    fix: "Ask for one of these, or leave `outputs` out.",
  });
}

function write(
  head: Readonly<Record<string, unknown>>,
  outputs: readonly (Output & { readonly binary: boolean })[],
): ForeignReply {
  const raw: Buffer[] = [];
  const described = outputs.map(({ name, datatype, width, rowCount, elements, binary }) => {
    const form = { name, datatype, shape: [rowCount, width] as const };
    if (!binary) return { ...form, data: elements };
    const bytes = writeRawData(elements, datatype);
    raw.push(bytes);
    return { ...form, parameters: { binary_data_size: bytes.byteLength } };
  });
  const reply = json(200, { ...head, outputs: described });
  if (raw.length === 0) return reply;
  const header = Buffer.from(reply.body as string);
  return {
    status: 200,
    headers: { "content-type": "application/octet-stream", "inference-header-content-length": String(header.byteLength) },
    body: Buffer.concat([header, ...raw]),
  };
}

const json = (status: number, body: unknown): ForeignReply => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** The statuses this protocol's clients know; any other refusal is a bad request. */
const KNOWN_REFUSALS = [400, 401, 403, 404, 413, 415];

function fail(thrown: unknown): ForeignReply {
  const error = asMillError(thrown);
  const { status } = codeInfo(error.code);
  const words = error.code === "internal.unexpected" ? "internal error" : error.message;
  return json(status >= 500 || KNOWN_REFUSALS.includes(status) ? status : 400, { error: words });
}
