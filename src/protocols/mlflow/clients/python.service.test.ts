/** MLflow's own Python client, unmodified, against a server that `mill up` started: each program of this folder. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type MlflowMill, missing, startMill } from "./fixtures/start-mill.ts";

let mill: MlflowMill;

before(async () => {
  if (!missing) mill = await startMill();
});
after(() => mill?.close());

const skip = missing;

test(
  "experiments, runs, metrics and their history, data inputs, searches, tags, deletes, restores and refusals",
  { skip },
  async () => mill.program("tracking_program.py"),
);

test("autologging of scikit-learn leaves parameters, measures, its data and a model that loads back", { skip }, async () =>
  mill.program("autolog_program.py"),
);

test(
  "files by streams and parts, a model that is registered and loaded back by its alias, and the registry",
  { skip },
  async () => mill.program("models_program.py"),
);

test("webhooks tell a receiver what happens to models, signed as MLflow's own code has it", { skip }, async () =>
  mill.program("webhooks_program.py"),
);

test("XGBoost by autologging: curves, importances, a model by its alias, deleted and restored", { skip }, async () =>
  mill.program("xgboost_program.py"),
);

test("PyTorch by autologging of lightning: losses by epoch, and the network by its alias", { skip }, async () =>
  mill.program("pytorch_program.py"),
);

test(
  "batches in the background, measures of the machine, tables, figures, and 100 MiB that the server never holds",
  {
    skip,
  },
  async () => mill.program("logging_program.py"),
);

test("a notebook that papermill runs", { skip }, async () => mill.program("notebook_program.py"));

test("a token by variables, one that may only look, one that does not hold, and none", { skip }, async () => {
  await ask("/v1/users", { name: "visitor", kind: "service", roles: ["viewer"] });
  const { token } = await ask<{ token: string }>("/v1/tokens", { name: "client", user: "visitor" });
  await mill.program("identity_program.py", { VIEWER_TOKEN: token });
});

test("what four clients were told is kept is there after the server is killed under them", { skip }, async () => {
  const told = join(mill.folder, "back-at");
  await Promise.all([mill.program("killed_program.py", { BACK_AT: told }), mill.again(told)]);
});

async function ask<T>(path: string, body: object): Promise<T> {
  const reply = await fetch(new URL(path, mill.url), {
    method: "POST",
    headers: { authorization: `Bearer ${mill.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(reply.status, 200);
  return (await reply.json()) as T;
}
