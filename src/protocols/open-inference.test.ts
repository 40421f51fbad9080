import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { MillError } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import { type ForeignReply, openInferenceRoutes } from "./index.ts";
import { type Datatype, readRawData, writeRawData } from "./tensors.ts";

type Endpoint = OutputOf<"getEndpoint">;
const late: Endpoint = {
  name: "late",
  model: "late-arrival",
  version: 3,
  previous: null,
  ready: true,
  changedAt: null,
  task: "binary-classification",
  classes: ["false", "true"],
  threshold: 0.5,
  request: [
    { name: "date", type: "timestamp", nullable: false, optional: true },
    { name: "distance", type: "int64", nullable: true },
    { name: "origin", type: "string", nullable: false },
    { name: "weight", type: "float64", nullable: true },
    { name: "night", type: "boolean", nullable: false },
  ],
  exampleRow: null,
  windowsWarmedTo: null,
  predictions: 0,
  history: [],
};
const penguins: Endpoint = {
  ...late,
  name: "penguins",
  task: "multiclass-classification",
  classes: ["A", "B", "C"],
  request: [{ name: "mass", type: "float64", nullable: true }],
};
const price: Endpoint = { ...penguins, name: "price", task: "regression", classes: [] };
const waiting: Endpoint = { ...price, name: "waiting", ready: false };
const endpoints = [late, penguins, price, waiting];

/** Answers with what the rows say, and keeps the rows. */
let rowsSeen: readonly Record<string, unknown>[] = [];
const verbs: Record<string, (input: never) => Promise<unknown>> = {
  listEndpoints: async () => ({ items: endpoints, next: null }),
  getEndpoint: async ({ name }: { name: string }) => {
    const found = endpoints.find((endpoint) => endpoint.name === name);
    if (found) return found;
    throw new MillError("inference.version", `There is no endpoint "${name}".`);
  },
  predict: async ({ name, rows }: { name: string; rows: Record<string, unknown>[] }) => {
    rowsSeen = rows;
    if (rows[0]!.mass === -1) throw new MillError("request.row", "Row 0 does not fit.");
    if (rows[0]!.mass === -2) throw new TypeError("inner words");
    const { task } = endpoints.find((endpoint) => endpoint.name === name)!;
    const one = (_: unknown, index: number) => {
      const id = String(index);
      if (task === "binary-classification") return { id, probability: index / 8, decision: index >= 4 };
      return task === "regression" ? { id, value: index / 4 } : { id, label: "B", probabilities: { B: 0.5, A: 0.25, C: 0.25 } };
    };
    return { id: "p", model: "m", version: 3, predictions: rows.map(one) };
  },
};
const call = ((verb: string, input: never) => verbs[verb]!(input)) as unknown as BoundCall;
const routes = openInferenceRoutes("0.1.0");

async function ask(
  method: string,
  path: string,
  body: Buffer | object = {},
  headers: Record<string, string> = {},
): Promise<ForeignReply> {
  for (const route of routes) {
    const match = new RegExp(`^${route.path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`).exec(path);
    if (!match || route.method !== method) continue;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const request = {
      params: { ...match.groups },
      query: {},
      headers,
      origin: "http://localhost",
      body: bytes,
      stream: Readable.from([]),
    };
    return route.handle(request, call).catch(route.fail);
  }
  return assert.fail(`no route for ${method} ${path}`);
}
const parsed = ({ body }: ForeignReply) => JSON.parse(String(body));
const infer = (name: string, body: Buffer | object, headers = {}) => ask("POST", `/v2/models/${name}/infer`, body, headers);

const int64 = (data: unknown[], shape = [data.length, 1]) => ({ name: "distance", datatype: "INT64", shape, data });
const texts = (data: unknown[]) => ({ name: "origin", datatype: "BYTES", shape: [data.length], data });
const doubles = (data: unknown[]) => ({ name: "weight", datatype: "FP64", shape: [data.length, 1], data });
const booleans = (data: unknown[]) => ({ name: "night", datatype: "BOOL", shape: [data.length, 1], data });
const inputs = [int64([954, null]), texts(["SEA", "LAX"]), doubles([[1.5], [null]]), booleans([true, false])];

const gets: readonly [path: string, status: number, body: object][] = [
  ["/v2", 200, { name: "millwright", version: "0.1.0", extensions: ["binary_tensor_data"] }],
  ["/v2/health/live", 200, { live: true }],
  ["/v2/health/ready", 503, { live: true, ready: false, error: "not ready: waiting" }],
  ["/v2/models", 200, { models: ["late", "penguins", "price", "waiting"] }],
  ["/v2/models/late/ready", 200, { name: "late", ready: true }],
  ["/v2/models/late/versions/3/ready", 200, { name: "late", ready: true }],
  ["/v2/models/waiting/ready", 503, { name: "waiting", ready: false, error: '"waiting" is not ready' }],
  ["/v2/models/nobody", 404, { error: 'There is no endpoint "nobody".' }],
  ["/v2/models/late/versions/2", 404, { error: '"late" does not answer with version 2.' }],
];
for (const [path, status, body] of gets) {
  test(`GET ${path} answers ${status}`, async () => {
    const reply = await ask("GET", path);
    assert.equal(reply.status, status);
    assert.deepEqual(parsed(reply), body);
  });
}

test("a model's metadata lists an input for each column and the outputs of its task", async () => {
  const { inputs, outputs, versions, platform } = parsed(await ask("GET", "/v2/models/late"));
  assert.deepEqual([versions, platform], [["3"], "millwright"]);
  assert.deepEqual(
    inputs.map((input: { name: string; datatype: string; shape: number[] }) => [input.name, input.datatype, input.shape]),
    [
      ["date", "BYTES", [-1, 1]],
      ["distance", "INT64", [-1, 1]],
      ["origin", "BYTES", [-1, 1]],
      ["weight", "FP64", [-1, 1]],
      ["night", "BOOL", [-1, 1]],
    ],
  );
  assert.deepEqual(outputs, [
    { name: "probability", datatype: "FP64", shape: [-1, 1] },
    { name: "decision", datatype: "BOOL", shape: [-1, 1] },
  ]);
});

test("tensors become rows, null is a missing value, and what may be left out is", async () => {
  const reply = await infer("late", { id: "q1", inputs });
  assert.equal(reply.status, 200, String(reply.body));
  assert.deepEqual(rowsSeen, [
    { distance: 954, origin: "SEA", weight: 1.5, night: true },
    { distance: null, origin: "LAX", weight: null, night: false },
  ]);
  assert.deepEqual(parsed(reply), {
    model_name: "late",
    model_version: "3",
    id: "q1",
    outputs: [
      { name: "probability", datatype: "FP64", shape: [2, 1], data: [0, 0.125] },
      { name: "decision", datatype: "BOOL", shape: [2, 1], data: [false, false] },
    ],
  });
});

test("a multi-class answer has a label and the probabilities in the order of the classes", async () => {
  const reply = await infer("penguins", { inputs: [{ name: "mass", datatype: "FP32", shape: [1], data: [3] }] });
  assert.deepEqual(parsed(reply).outputs, [
    { name: "label", datatype: "BYTES", shape: [1, 1], data: ["B"] },
    { name: "probabilities", datatype: "FP64", shape: [1, 3], data: [0.25, 0.5, 0.25] },
  ]);
});

test("a regression answers a value; asked for by name, only that output comes", async () => {
  const mass = { name: "mass", datatype: "FP64", shape: [2, 1], data: [1, 2] };
  assert.deepEqual(parsed(await infer("price", { inputs: [mass], outputs: [{ name: "value" }] })).outputs[0].data, [0, 0.25]);
  const outputs = parsed(await infer("late", { inputs, outputs: [{ name: "decision" }] })).outputs;
  assert.deepEqual(
    outputs.map((output: { name: string }) => output.name),
    ["decision"],
  );
});

test("no rows are answered with empty outputs", async () => {
  const reply = parsed(await infer("price", { inputs: [{ name: "mass", datatype: "FP64", shape: [0, 1], data: [] }] }));
  assert.deepEqual(reply.outputs, [{ name: "value", datatype: "FP64", shape: [0, 1], data: [] }]);
});

test("integers beyond 2^53 keep their digits as text, and are refused as numbers that lost them", async () => {
  const rest = inputs.slice(1).map((input) => ({ ...input, shape: [1, 1], data: [(input.data as unknown[]).flat()[0]] }));
  await infer("late", { inputs: [int64(["9007199254740993"]), ...rest] });
  assert.equal(rowsSeen[0]!.distance, "9007199254740993");
  const refused = await infer(
    "late",
    Buffer.from(JSON.stringify({ inputs: [int64([0]), ...rest] }).replace("[0]", "[9007199254740993]")),
  );
  assert.equal(refused.status, 400);
  assert.match(parsed(refused).error, /decimal text/);
});

/** The bytes that tritonclient sends: JSON, then the tensors of the inputs that have a `binary_data_size`. */
function binaryRequest(
  inputs: readonly { name: string; datatype: Datatype; shape: number[]; bytes: Buffer }[],
  extra: object = {},
) {
  const described = inputs.map(({ bytes, ...input }) => ({ ...input, parameters: { binary_data_size: bytes.byteLength } }));
  const header = Buffer.from(JSON.stringify({ inputs: described, ...extra }));
  return {
    body: Buffer.concat([header, ...inputs.map(({ bytes }) => bytes)]),
    headers: { "inference-header-content-length": String(header.byteLength) },
  };
}
const raw = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const binaryInputs = [
  { name: "distance", datatype: "INT64" as const, shape: [2, 1], bytes: raw("ba03000000000000 0100000000002000") },
  { name: "origin", datatype: "BYTES" as const, shape: [2, 1], bytes: raw("03000000 534541 02000000 c3a9") },
  { name: "weight", datatype: "FP32" as const, shape: [2, 1], bytes: raw("0000c03f 0000c07f") },
  { name: "night", datatype: "BOOL" as const, shape: [2, 1], bytes: raw("01 00") },
];

test("raw tensors are read to the bit, and the answer is raw when it is asked to be", async () => {
  const { body, headers } = binaryRequest(binaryInputs, { parameters: { binary_data_output: true } });
  const reply = await infer("late", body, headers);
  assert.equal(reply.status, 200, String(reply.body));
  assert.deepEqual(rowsSeen, [
    { distance: 954, origin: "SEA", weight: 1.5, night: true },
    { distance: "9007199254740993", origin: "é", weight: null, night: false },
  ]);
  const length = Number(reply.headers!["inference-header-content-length"]);
  const bytes = reply.body as Buffer;
  const { outputs } = JSON.parse(bytes.subarray(0, length).toString());
  assert.deepEqual(
    outputs.map((output: { parameters: object }) => output.parameters),
    [{ binary_data_size: 16 }, { binary_data_size: 2 }],
  );
  assert.equal(bytes.subarray(length).toString("hex"), "0000000000000000000000000000c03f0000");
});

test("each output says for itself whether it is raw", async () => {
  const { body, headers } = binaryRequest(binaryInputs, {
    outputs: [{ name: "decision", parameters: { binary_data: true } }, { name: "probability" }],
  });
  const reply = await infer("late", body, headers);
  const length = Number(reply.headers!["inference-header-content-length"]);
  const { outputs } = JSON.parse((reply.body as Buffer).subarray(0, length).toString());
  assert.deepEqual([outputs[0].parameters, outputs[1].data], [{ binary_data_size: 2 }, [0, 0.125]]);
});

test("every datatype is read from its raw bytes", () => {
  const cases: readonly [Datatype, string, unknown[]][] = [
    ["BOOL", "00 01", [false, true]],
    ["UINT8", "ff", [255]],
    ["UINT16", "ffff", [65535]],
    ["UINT32", "ffffffff", [4294967295]],
    ["UINT64", "ffffffffffffffff", ["18446744073709551615"]],
    ["INT8", "ff", [-1]],
    ["INT16", "0080", [-32768]],
    ["INT32", "ffffffff", [-1]],
    ["INT64", "ffffffffffffffff", [-1]],
    ["FP16", "003c 0100 00c2 007e", [1, 2 ** -24, -3, null]],
    ["FP32", "0000c0bf 0000c07f", [-1.5, null]],
    ["FP64", "000000000000f03f", [1]],
    ["BYTES", "00000000 01000000 41", ["", "A"]],
  ];
  for (const [datatype, hex, expected] of cases) assert.deepEqual(readRawData(raw(hex), datatype), expected, datatype);
});

test("what is written raw reads back the same", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" })),
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
      fc.array(fc.boolean()),
      (words, numbers, flags) => {
        assert.deepEqual(
          readRawData(writeRawData(words, "BYTES"), "BYTES"),
          words.map((word) => Buffer.from(word).toString()),
        );
        assert.deepEqual(readRawData(writeRawData(numbers, "FP64"), "FP64"), numbers);
        assert.deepEqual(readRawData(writeRawData(flags, "BOOL"), "BOOL"), flags);
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

const one = (name: string, datatype: string, shape: unknown, data: unknown) => ({ inputs: [{ name, datatype, shape, data }] });
const mass = (shape: unknown, data: unknown) => one("mass", "FP64", shape, data);
const faults: readonly [what: string, body: Buffer | object, headers: Record<string, string>, error: RegExp][] = [
  ["is not JSON", Buffer.from("{"), {}, /not JSON/],
  ["is a list", [], {}, /must be a JSON object/],
  ["has no inputs", {}, {}, /`inputs` must be a list/],
  ["has an input without a name", { inputs: [{}] }, {}, /needs a `name`/],
  ["has an id that is no text", { ...mass([1], [1]), id: 7 }, {}, /`id` must be a text/],
  ["names an unknown input", one("maas", "FP64", [1], [1]), {}, /no input "maas"; it takes mass/],
  ["lacks an input", { inputs: [] }, {}, /`inputs` must be a list/],
  ["has an input twice", { inputs: [...mass([1], [1]).inputs, ...mass([1], [1]).inputs] }, {}, /twice/],
  ["has an unknown datatype", one("mass", "FLOAT", [1], [1]), {}, /datatype "FLOAT" is not one of/],
  ["sends text for a number", one("mass", "BYTES", [1], ["1"]), {}, /must be FP64, got BYTES/],
  ["has data of another type", mass([1], ["1"]), {}, /"1" is no FP64/],
  ["has an integer out of range", one("mass", "INT8", [1], [128]), {}, /128 is no INT8/],
  ["has more data than its shape", mass([1, 1], [1, 2]), {}, /asks for 1 elements, data has 2/],
  ["has a wide shape", mass([1, 2], [1, 2]), {}, /must be \[N\] or \[N, 1\]/],
  ["has a negative shape", mass([-1], []), {}, /must be \[N\]/],
  ["has no shape", mass(undefined, [1]), {}, /must be \[N\]/],
  ["has neither data nor bytes", mass([1], undefined), {}, /either data or/],
  ["has data that is no list", mass([1], 1), {}, /data must be a list/],
  ["asks for an unknown output", { ...mass([1], [1]), outputs: [{ name: "score" }] }, {}, /no output "score"; there are value/],
  ["has too many rows", mass([10_001], Array(10_001).fill(1)), {}, /At most 10000 rows/],
  ["has a header longer than its body", Buffer.from("{}"), { "inference-header-content-length": "9" }, /the body has 2 bytes/],
  ["has a header that is no number", Buffer.from("{}"), { "inference-header-content-length": "x" }, /the body has 2 bytes/],
  ["has a header of zero", Buffer.from("{}"), { "inference-header-content-length": "0" }, /the body has 2 bytes/],
];
for (const [what, body, headers, error] of faults) {
  test(`a request that ${what} is answered with 400 and the reason`, async () => {
    const reply = await infer("price", body, headers);
    assert.equal(reply.status, 400);
    assert.deepEqual(Object.keys(parsed(reply)), ["error"]);
    assert.match(parsed(reply).error, error);
  });
}

const rawFaults: readonly [what: string, datatype: Datatype, bytes: Buffer, extra: Buffer, error: RegExp][] = [
  ["is cut within an element", "FP64", raw("00"), Buffer.alloc(0), /1 bytes are no whole number of FP64/],
  ["has an infinite element", "FP32", raw("0000807f"), Buffer.alloc(0), /no finite number/],
  ["has bytes left over", "FP64", raw("000000000000f03f"), raw("00"), /1 bytes behind the JSON belong to no input/],
];
for (const [what, datatype, bytes, extra, error] of rawFaults) {
  test(`a raw tensor that ${what} is refused`, async () => {
    const { body, headers } = binaryRequest([{ name: "mass", datatype, shape: [1, 1], bytes }]);
    const reply = await infer("price", Buffer.concat([body, extra]), headers);
    assert.equal(reply.status, 400);
    assert.match(parsed(reply).error, error);
  });
}

test("a text that reaches beyond its tensor, or is not UTF-8, is refused", () => {
  assert.throws(() => readRawData(raw("05000000 41"), "BYTES"), /reaches beyond/);
  assert.throws(() => readRawData(raw("0500"), "BYTES"), /reaches beyond/);
  assert.throws(() => readRawData(raw("01000000 ff"), "BYTES"), /not UTF-8/);
});

test("inputs of different lengths are refused", async () => {
  const reply = await infer("late", { inputs: [int64([1]), texts(["A", "B"]), doubles([1]), booleans([true])] });
  assert.match(parsed(reply).error, /as many rows: "distance" has 1, "origin" 2/);
});

test("a row that the endpoint refuses is a bad request, a fault of ours keeps its words", async () => {
  const refused = await infer("price", { inputs: [{ name: "mass", datatype: "FP64", shape: [1], data: [-1] }] });
  assert.deepEqual([refused.status, parsed(refused)], [400, { error: "Row 0 does not fit." }]);
  const fault = await infer("price", { inputs: [{ name: "mass", datatype: "FP64", shape: [1], data: [-2] }] });
  assert.deepEqual([fault.status, parsed(fault)], [500, { error: "internal error" }]);
});

test("a missing input is named", async () => {
  assert.match(parsed(await infer("late", { inputs: [int64([1])] })).error, /input "origin" is missing/);
});

test("hostile bytes never cause a fault of our own", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(80), async (bytes, length) => {
      const reply = await infer("price", Buffer.from(bytes), { "inference-header-content-length": String(length) });
      assert.equal(reply.status, 400);
    }),
    { seed: 3, numRuns: 300 },
  );
});
