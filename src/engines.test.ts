import assert from "node:assert/strict";
import { test } from "node:test";
import { SETTINGS } from "./contract/index.ts";
import { stepEnvironment } from "./engines.ts";

const variables = Object.values(SETTINGS).map(({ env }) => env);
const environment = { PATH: "/bin", AWS_REGION: "eu-central-1", ...Object.fromEntries(variables.map((name) => [name, "set"])) };
const config = { workspace: "/w" };

for (const encrypted of [false, true])
  test(`a step is given no setting but ${encrypted ? "the keys of its encrypted objects" : "where its objects are"}`, () => {
    assert.ok(variables.includes("MILL_KEY") && variables.length > 20);
    const given = stepEnvironment(environment, config, { kind: "files", folder: "/w/objects", encrypted });
    const { MILL_STEP_OBJECTS, ...rest } = given;
    assert.deepEqual(JSON.parse(MILL_STEP_OBJECTS!), { kind: "files", folder: "/w/objects", encrypted, workspace: "/w" });
    assert.deepEqual(rest, { PATH: "/bin", AWS_REGION: "eu-central-1", ...(encrypted && { MILL_KEY: "set" }) });
  });
