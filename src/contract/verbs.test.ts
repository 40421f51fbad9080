import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerOf, type Handlers, type InputOf, PERMISSIONS, ROLES, type ValueOf, VERBS, type Verb } from "./index.ts";
import { boolean, either, fieldsOf, integer, list, object, oneOf, optional, orNull, text } from "./json-schema.ts";

const verbs = Object.entries<Verb>(VERBS);

test("no two verbs share a route", () => {
  const routes = verbs.map(([, { http }]) => `${http.method} ${http.path.replaceAll(/:\w+/g, ":")}`);
  assert.equal(new Set(routes).size, routes.length);
});

test("what stands in a path is a field that must be there", () => {
  for (const [name, { http, input }] of verbs) {
    for (const [, field] of http.path.matchAll(/:(\w+)/g)) assert.ok(input.required?.includes(field!), `${name}: ${field}`);
  }
});

test("what needs more than looking is a POST, and is audited or feeds data; what is audited is a POST of the control plane", () => {
  for (const [name, { http, permission, audited, plane }] of verbs) {
    const looks = permission === "read" || permission === "predict" || (permission === "admin" && !audited);
    if (!looks) assert.equal(http.method, "POST", name);
    if (audited) assert.equal(http.method, "POST", name);
    else assert.ok(looks || plane === "data", name);
    assert.ok(!audited || plane === "control", name);
  }
});

test("every permission is asked for by a verb, and given by a role; admins have all", () => {
  const asked = new Set(verbs.map(([, { permission }]) => permission));
  assert.deepEqual(
    PERMISSIONS.filter((permission) => !asked.has(permission)),
    [],
  );
  assert.deepEqual(new Set(Object.values(ROLES).flat()), new Set(PERMISSIONS));
  assert.deepEqual(ROLES.admin, PERMISSIONS);
});

test("every verb explains itself, with an example that can be typed", () => {
  for (const [name, { about, example }] of verbs) {
    assert.match(about, /^[A-Z].*\.$/, name);
    assert.match(example, /^(mill|curl) /, name);
  }
});

test("inputs and outputs are closed objects, so that a wrong field is seen", () => {
  for (const [name, { input, output }] of verbs) {
    assert.deepEqual([input.type, input.additionalProperties], ["object", false], name);
    for (const variant of output.anyOf ?? [output])
      assert.deepEqual([variant.type, variant.additionalProperties], ["object", false], name);
  }
});

test("lists are paged alike", () => {
  for (const [name, { input, output }] of verbs.filter(([name]) => name.startsWith("list"))) {
    assert.deepEqual([input.properties!.limit!.maximum, input.properties!.limit!.default], [1000, 100], name);
    assert.deepEqual(Object.keys(output.properties!), ["items", "next"], name);
  }
});

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => undefined;

test("a schema carries the type it describes", () => {
  const schema = object({
    name: text(),
    limit: optional(integer()),
    kind: oneOf(["a", "b"]),
    tags: list(text()),
    more: orNull(fieldsOf(boolean())),
  });
  same<
    ValueOf<typeof schema>,
    {
      readonly name: string;
      readonly kind: "a" | "b";
      readonly tags: readonly string[];
      readonly more: Readonly<Record<string, boolean>> | null;
      readonly limit?: number | undefined;
    }
  >(true);
  const variants = either(text(), integer());
  same<ValueOf<typeof variants>, string | number>(true);
  same<InputOf<"getModelVersion">, { readonly name: string; readonly version: string }>(true);
  same<AnswerOf<"run"> extends AsyncIterable<unknown> ? true : false, true>(true);
  same<ReturnType<Handlers["newToken"]>, Promise<{ readonly token: string; readonly path: string }>>(true);
  assert.deepEqual(schema.required, ["name", "kind", "tags", "more"]);
});
