import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, digestOf, digestOfJson } from "../base/index.ts";
import { migrations, openRecords, openSnapshot } from "../ports/records/index.ts";
import { newFolder, openAt, openFilled, type Places, placesOf } from "./fixtures/workspaces.ts";
import { requireRestored, restoreBackup, takeBackup } from "./index.ts";

const version = "0.1.0";

/** Every row of every table, as text. */
async function rowsOf({ records }: Places): Promise<Record<string, readonly string[]>> {
  const snapshot = await openSnapshot(records);
  const found: Record<string, string[]> = {};
  for (const table of snapshot.tables) {
    found[table.name] = [];
    for await (const page of snapshot.rows(table)) found[table.name]!.push(...page.map((row) => JSON.stringify(row)));
    found[table.name]!.sort();
  }
  await snapshot.close();
  return found;
}

test("a restored workspace has the same rows and objects, and goes on where the other stood", async () => {
  const original = await openFilled();
  const backup = newFolder("backup");
  const lines = new Set<string>();
  const manifest = await takeBackup(backup, original.places, { version, progress: ({ phase }) => lines.add(phase) });
  assert.deepEqual([...lines], ["rows", "naming", "objects"]);
  const { restored_copy: none, ...before } = await rowsOf(original.places);
  assert.deepEqual(none, []);
  await original.close();

  const places = placesOf(newFolder("restored"));
  const { rows, migrated, audit } = await restoreBackup(backup, places);
  assert.deepEqual([rows, migrated], [Object.values(before).flat().length, []]);
  assert.equal(audit.whole && audit.rows, 3);
  const { restored_copy: standing, ...after } = await rowsOf(places);
  assert.equal(standing!.length, 1, "it is a copy");
  assert.deepEqual({ ...after, object_store: null }, { ...before, object_store: null });
  assert.ok(!(await readdir(places.workspace)).includes("restoring"));

  const again = await openAt(places);
  let count = 0;
  for await (const line of again.lake.verify({ content: true })) {
    assert.notEqual(line.event, "fault", JSON.stringify(line));
    if (line.event === "verified") count = line.objects;
  }
  assert.ok(count >= 62, `${count} objects`);
  assert.equal(manifest.objects.count >= count, true);
  const photos = again.lake.repositories.of("photos");
  await photos.commit("main", { message: "what was staged", author: "tests" });
  assert.equal((await photos.log("main", { limit: 9 }))[0]!.message, "what was staged");
  await again.close();
});

test("a backup beside writers holds a moment: rows that were committed together are there together, and every object that they name", async () => {
  const original = await openFilled();
  let isOver = false;
  let written = 0;
  const writing = (async () => {
    for (; !isOver; written++) {
      const digest = await original.objects.put(Buffer.from(`while it runs ${written}`));
      await original.records.commit([
        { sql: "INSERT INTO pins (digest, holder) VALUES (?, 'one')", params: [digest] },
        { sql: "INSERT INTO pins (digest, holder) VALUES (?, 'other')", params: [digest] },
      ]);
    }
  })();
  while (written < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  const sure = written;
  const backup = newFolder("backup");
  await takeBackup(backup, original.places, { version });
  isOver = true;
  await writing;
  await original.close();

  const places = placesOf(newFolder("restored"));
  await restoreBackup(backup, places);
  const restored = await openAt(places);
  const held = await restored.records.query<{ digest: Digest; n: number }>(
    "SELECT digest, count(*) AS n FROM pins GROUP BY digest",
  );
  assert.ok(held.length >= sure, `${held.length} of ${sure}`);
  for (const { digest, n } of held) {
    assert.equal(n, 2);
    assert.equal(digestOf(await restored.objects.get(digest)), digest);
  }
  await restored.close();
});

test("while a backup is taken nothing is collected, and it waits for a collection that runs", async () => {
  const { lake, close } = await openFilled();
  const running = lake.collector.collect({ remove: true });
  let collected = false;
  void running.then(() => {
    collected = true;
  });
  const releases = [await lake.collector.hold(), await lake.collector.hold()];
  assert.equal(collected, true);
  await assert.rejects(lake.collector.collect({ remove: true }), { code: "lake.collecting" });
  releases[0]!();
  releases[0]!(); // again changes nothing
  await assert.rejects(lake.collector.collect(), { code: "lake.collecting" });
  releases[1]!();
  await lake.collector.collect();
  await close();
});

test("a backup of an earlier schema is brought to this one, and one of a later is refused with what to do", async () => {
  const old = migrations.filter(({ number }) => number < 4);
  const places = placesOf(newFolder("old"));
  const records = await openRecords(places.records, { migrations: old });
  await records.commit([
    { sql: "INSERT INTO pins (digest, holder) VALUES ('sha256:1', 'x')" },
    { sql: "DELETE FROM pins" },
    { sql: "INSERT INTO source_digests (path, stamp, digest) VALUES ('a', 'b', 'c')" },
  ]);
  await records.close();
  const backup = newFolder("backup");
  await takeBackup(backup, places, { version });

  const restored = placesOf(newFolder("restored"));
  const { migrated } = await restoreBackup(backup, restored);
  assert.deepEqual(
    migrated,
    migrations.map(({ number }) => number).filter((number) => number >= 4),
  );
  assert.deepEqual((await rowsOf(restored)).source_digests, ['["a","b","c"]']);

  const workspace = placesOf(newFolder("older"));
  await assert.rejects(restoreBackup(backup, workspace, { migrations: old.slice(0, 2) }), {
    code: "backup.newer",
    expected: "schema 2 or lower",
    got: "schema 3",
    fix: /Install Millwright 0\.1\.0 or later/,
  } as object);
  await assert.rejects(readdir(workspace.workspace), { code: "ENOENT" });
});

test("a backup that lacks a byte, has another one, or a file less is told with the place, and nothing is restored", async () => {
  const original = await openFilled();
  const backup = newFolder("backup");
  await takeBackup(backup, original.places, { version });
  await original.close();
  const files = (await readdir(backup, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const harm = fc.record({
    file: fc.constantFrom(...files),
    what: fc.constantFrom("remove", "cut", "flip", "lengthen"),
    where: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  let places = placesOf(newFolder("damaged"));
  await fc.assert(
    fc.asyncProperty(harm, async ({ file, what, where }) => {
      const before = await readFile(file);
      const at = Math.floor(where * before.byteLength);
      if (what === "remove") await rm(file);
      else if (what === "cut") await truncate(file, at);
      else if (what === "lengthen") await appendFile(file, "x");
      else
        await writeFile(
          file,
          before.map((byte, index) => (index === at ? byte ^ 1 : byte)),
        );
      const isObject = file.includes("/objects/");
      try {
        // what is behind the last whole row of a segment, and a time in it, are no content; an index is made again from its segment
        const outcome = await restoreBackup(backup, places).then(
          () => null,
          (error: { code: string; at: string }) => error,
        );
        if (outcome === null) {
          assert.ok(isObject && (what !== "remove" || file.endsWith(".idx")), `${what} ${file} at ${at}`);
          places = placesOf(newFolder("damaged"));
        } else {
          assert.match(outcome.code, /^backup\.(damaged|missing)$/, `${outcome.code}: ${what} ${file}`);
          assert.ok(outcome.at.includes(isObject ? "objects" : backup), outcome.at);
          assert.deepEqual(
            (await readdir(places.workspace).catch(() => [])).filter((name) => name !== "restoring"),
            [],
          );
          if (process.env.MILL_RECORDS === "postgres") places = placesOf(newFolder("damaged"));
        }
      } finally {
        await writeFile(file, before);
      }
    }),
    { numRuns: 40 },
  );
  const whole = placesOf(newFolder("restored"));
  assert.equal((await restoreBackup(backup, whole)).manifest.objects.count > 60, true);
});

test("a forged manifest brings no table or column of its own into a statement", async () => {
  const original = await openFilled();
  const backup = newFolder("backup");
  await takeBackup(backup, original.places, { version });
  await original.close();
  const path = join(backup, "manifest.json");
  const { digest: _, ...manifest } = JSON.parse(await readFile(path, "utf8"));
  const forge = async (change: (table: Record<string, unknown>) => void) => {
    const forged = structuredClone(manifest);
    change(forged.tables[0]);
    await writeFile(path, JSON.stringify({ ...forged, digest: digestOfJson(forged) }));
    await assert.rejects(restoreBackup(backup, placesOf(newFolder("forged"))), { code: "backup.damaged" });
  };
  await forge((table) => {
    table.name = "pins; DROP TABLE audit";
  });
  await forge((table) => {
    table.columns = ["digest", 'holder") VALUES (1); --'];
  });
  await forge((table) => {
    table.file = "../../token";
  });
});

test("where something is already nothing is written: neither a backup nor a workspace", async () => {
  const original = await openFilled();
  const backup = newFolder("backup");
  await mkdir(backup, { mode: 0o755 });
  await writeFile(join(backup, "holiday.jpg"), "");
  await assert.rejects(takeBackup(backup, original.places, { version }), { code: "backup.not-empty" });
  assert.deepEqual(await readdir(backup), ["holiday.jpg"]);
  assert.equal((await stat(backup)).mode & 0o777, 0o755, "who could enter it still can");
  await rm(join(backup, "holiday.jpg"));
  await takeBackup(backup, original.places, { version });
  await original.close();
  const before = await rowsOf(original.places);
  await assert.rejects(restoreBackup(backup, original.places), { code: "backup.not-empty" });
  assert.deepEqual(await rowsOf(original.places), before);
  await assert.rejects(restoreBackup(newFolder("nothing"), placesOf(newFolder("w"))), { code: "backup.missing" });
});

test("a workspace whose restore broke off is not opened", async () => {
  const { workspace } = placesOf(newFolder("unfinished"));
  await mkdir(workspace, { recursive: true });
  await requireRestored(workspace);
  await writeFile(join(workspace, "restoring"), "");
  await assert.rejects(requireRestored(workspace), { code: "backup.unfinished" });
});

test("an object that the records name and the store lost keeps a backup from being made, and is named", async () => {
  const original = await openFilled();
  const lost = await original.put("lost", Buffer.from("lost"));
  await original.objects.remove(lost);
  const backup = newFolder("backup");
  await assert.rejects(takeBackup(backup, original.places, { version }), { code: "backup.object-missing", at: lost });
  assert.deepEqual(await readdir(backup), []);
  await original.close();
});

test("an interrupted backup leaves nothing", async () => {
  const original = await openFilled();
  const stop = new AbortController();
  const backup = newFolder("backup");
  const progress = ({ phase }: { readonly phase: string }) => phase === "objects" && stop.abort();
  await assert.rejects(takeBackup(backup, original.places, { version, signal: stop.signal, progress }), {
    code: "cli.interrupted",
  });
  assert.deepEqual(await readdir(backup), []);
  await original.close();
});

test("keys and token come along only when asked, under the passphrase; an encrypted store stays encrypted, and opens with them", async () => {
  const original = await openFilled(placesOf(newFolder("secret"), { encrypted: true }));
  const token = original.tokens.current();
  const passphrase = "correct horse battery";
  const [bare, backup] = [newFolder("bare"), newFolder("backup")];
  await takeBackup(bare, original.places, { version });
  await assert.rejects(takeBackup(backup, original.places, { version, secrets: true }), { code: "backup.passphrase" });
  await assert.rejects(takeBackup(backup, original.places, { version, secrets: true, passphrase: "short" }), {
    code: "backup.passphrase",
  });
  await takeBackup(backup, original.places, { version, secrets: true, passphrase });
  await original.close();
  const keys = JSON.parse(await readFile(join(original.places.workspace, "keys.json"), "utf8"));
  for (const entry of await readdir(backup, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name), "latin1");
    for (const secret of [token, "photo 1 of 1", ...(Object.values(keys.keys) as string[])])
      assert.ok(!bytes.includes(secret), `${entry.name} holds a secret`);
  }

  const restored = placesOf(newFolder("restored"), { encrypted: true });
  await assert.rejects(restoreBackup(backup, restored), { code: "backup.passphrase" });
  await assert.rejects(restoreBackup(backup, restored, { passphrase: "another horse" }), { code: "backup.passphrase" });
  const { audit } = await restoreBackup(backup, restored, { passphrase });
  assert.deepEqual(audit, { whole: true, rows: 3, anchored: 3 });
  const again = await openAt(restored);
  assert.equal(again.tokens.current(), token);
  assert.equal(Buffer.from(await again.objects.get(digestOf("photo 1 of 1"))).toString(), "photo 1 of 1");
  await again.close();

  const withoutKeys = placesOf(newFolder("restored"), { encrypted: true });
  await assert.rejects(restoreBackup(bare, withoutKeys), { code: "envelope.unknown-key" });
  const plain = placesOf(newFolder("restored"));
  await mkdir(plain.workspace, { recursive: true, mode: 0o700 });
  await writeFile(join(plain.workspace, "keys.json"), JSON.stringify(keys), { mode: 0o600 });
  await restoreBackup(bare, plain); // keys that are put there beforehand open it, and the new store may be another
  const open = await openAt(plain);
  assert.equal((await open.objects.get(digestOf("staged"))).byteLength, 6);
  assert.notEqual(open.tokens.current(), token);
  await open.close();
});
