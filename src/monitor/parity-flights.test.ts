import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadProject } from "../define/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { openServed } from "../serve/fixtures/served.ts";
import { createParity } from "./parity.ts";

const FILE = join(import.meta.dirname, "..", "..", "node_modules", "vega-datasets", "data", "flights-3m.parquet");
const root = mkdtempSync(join(tmpdir(), "mill-parity-flights-"));
after(() => rmSync(root, { recursive: true, force: true }));
const tables = () => openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(root, "spill") });

test("a morning of real flights was served what the lake says, flights that landed meanwhile among the rest", async () => {
  const { serving, lake, registry, objects, ...served } = await openServed(undefined, undefined, { now: Date.now });
  const { datasets, models } = await loadProject(join(import.meta.dirname, "..", "..", "examples", "flights"));
  const [flights, baseline] = [datasets.get("flights")!, models.get("late-arrival-baseline")!];
  const engine = tables();
  const columns = "date, distance::INTEGER AS distance, origin, destination, delay::INTEGER AS delay";
  const path = join(root, "may.parquet");
  await engine.run(
    `COPY (SELECT ${columns} FROM '${FILE}' WHERE date >= '2001-05-31' AND date < '2001-06-01' ORDER BY date) TO '${path}' (FORMAT parquet)`,
  );
  const live =
    await engine.rows(`SELECT strftime(date, '%Y-%m-%dT%H:%M:%S') AS at, epoch_us(date) AS departs, epoch_us(date) + (distance / 7.5 + 40) * 60e6 AS lands, ${columns}
    FROM '${FILE}' WHERE date >= '2001-06-01' AND date < '2001-06-01T09:00:00' ORDER BY departs`);
  engine.close();
  const part = await objects.putFile(path);
  const manifest = await objects.put(Buffer.from(JSON.stringify({ parts: [{ digest: part }], columns: flights.columns })));
  await lake.commit({ dataset: flights.name, manifest, rowCount: 1, parent: null, madeBy: "test" });
  await served.deploy("gate", baseline, part);

  const landing = live.toSorted((a, b) => Number(a.lands) - Number(b.lands));
  for (const [departs, together] of Map.groupBy(live, (flight) => flight.departs)) {
    const landed = landing.splice(
      0,
      landing.findIndex(({ lands }) => lands! >= departs!),
    );
    if (landed.length > 0)
      await serving.events(
        "gate",
        landed.map(({ at, distance, origin, destination, delay }) => ({ date: at, distance, origin, destination, delay })),
      );
    await serving.predict(
      "gate",
      together.map(({ at, distance, origin, destination }) => ({ date: at, distance, origin, destination })),
    );
  }
  const day = { from: Date.UTC(2001, 5, 1) * 1000, to: Date.UTC(2001, 5, 2) * 1000 };
  const { replayed, late, mismatches } = await createParity({ lake, registry, tables }).replay(
    { name: "gate" },
    { ...day, sample: 2000 },
  );
  assert.ok(live.length > 2000);
  assert.deepEqual({ replayed, late, mismatches }, { replayed: 2000, late: 0, mismatches: {} });
  await served.close();
});
