/** What goes wrong behind the door: a disk that fills, content that is damaged, writers that want the same. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { createRandom, digestOf } from "../../base/index.ts";
import { verify } from "../../lake/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openDoor, type TestDoor } from "./fixtures/open-door.ts";

const root = mkdtempSync(join(tmpdir(), "mill-s3-faults-"));
after(() => {
  if (canMount) execFileSync("umount", ["-l", mounts]);
  rmSync(root, { recursive: true, force: true });
});

const BY = { author: "tests" };
const put = (door: TestDoor, path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  door.ask({
    method: "PUT",
    url: `/disk/${path}`,
    body,
    headers: { "content-length": String(Buffer.byteLength(body)), ...headers },
  });
const get = (door: TestDoor, path: string) => door.ask({ method: "GET", url: `/disk/${path}` });
const codeOf = (body: Buffer) => /<Code>([^<]*)/.exec(body.toString())?.[1];

async function newBucket(door: TestDoor): Promise<void> {
  await door.client().send(new CreateBucketCommand({ Bucket: "disk" }));
}

async function requireWhole(door: TestDoor): Promise<void> {
  for await (const line of verify(door, { content: true })) if (line.event === "fault") assert.fail(JSON.stringify(line));
}

const mounts = join(root, "full");
const canMount = (() => {
  mkdirSync(mounts);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", mounts], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("a disk that fills: puts and commits are refused as such, what was acknowledged is there, and once there is room it goes on", {
  skip: !canMount && "needs the right to mount a tmpfs",
}, async (t) => {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = mounts; // the door's folder, database and objects, lies there
  const door = await openDoor().finally(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  try {
    await newBucket(door);
    const random = createRandom(7);
    const bytesOf = (sizeBytes: number) => Buffer.from(Uint8Array.from({ length: sizeBytes }, () => random.below(256)));
    const stored = new Map<string, Buffer>();
    const fill = async (name: string, sizeBytes: number) => {
      for (let n = 0; n < 5000; n++) {
        const body = bytesOf(sizeBytes);
        const { status, body: answer } = await put(door, `${name}-${n}`, body);
        if (status === 200) stored.set(`${name}-${n}`, body);
        else return assert.deepEqual([status, codeOf(answer)], [507, "InsufficientStorage"]);
      }
      assert.fail("it never filled");
    };
    const requireStored = async () => {
      for (const [path, body] of stored) assert.ok((await get(door, path)).body.equals(body), path);
    };
    writeFileSync(join(mounts, "reserve"), Buffer.alloc(1 << 20)); // room to come back
    await fill("long", 1 << 20);
    await fill("short", 20_000);
    writeFileSync(join(mounts, "filler"), ""); // to the last page
    try {
      for (;;) writeFileSync(join(mounts, "filler"), Buffer.alloc(4096), { flag: "a" });
    } catch {}
    await fill("tiny", 3000);
    const repository = door.repositories.of("disk");
    const { head } = await repository.branch("main");
    const failures: string[] = [];
    for (let attempt = 0; attempt < 3; attempt++)
      await repository.commit("main", { message: "full", ...BY }).catch((error) => failures.push(error.code));
    for (const code of failures) assert.match(code, /^(object|records)\.disk-full$/);
    await requireStored();
    t.diagnostic(`${stored.size} objects were taken in; ${failures.length} of 3 commits were refused`);

    for (const name of ["filler", "reserve"]) rmSync(join(mounts, name));
    for (const [path] of stored)
      if (path.startsWith("long-")) {
        const digest = digestOf(stored.get(path)!);
        assert.equal((await door.ask({ method: "DELETE", url: `/disk/${path}` })).status, 204);
        assert.ok(await door.objects.remove(digest));
        stored.delete(path);
      }
    if (failures.length === 3) {
      assert.equal((await repository.branch("main")).head, head);
      await repository.commit("main", { message: "there is room", ...BY });
    }
    assert.equal((await put(door, "again", "there is room")).status, 200);
    stored.set("again", Buffer.from("there is room"));
    await requireStored();
    await repository.commit("main", { message: "and on", ...BY });
    await requireWhole(door);
  } finally {
    await door.close();
  }
});

test("content that is damaged on the disk is never answered as if it were whole, long or short", async () => {
  const folder = join(root, "objects");
  const door = await openDoor({ objects: createFileObjects(folder) });
  try {
    await newBucket(door);
    const bodies = { short: "short ".repeat(100), middle: "middle ".repeat(20_000), long: "long ".repeat(400_000) };
    for (const [path, body] of Object.entries(bodies)) assert.equal((await put(door, path, body)).status, 200);
    for (const path of filesBelow(folder)) {
      const bytes = readFileSync(path);
      for (const text of ["short short", "middle middle", "long long"]) {
        const at = bytes.indexOf(text);
        if (at !== -1) bytes[at + 3]! ^= 1;
      }
      writeFileSync(path, bytes);
    }
    for (const [path, body] of Object.entries(bodies)) {
      const answer = await get(door, path).catch((thrown) => thrown as Error);
      if (answer instanceof Error) continue; // broken off before its end
      assert.equal(answer.status, 500, `${path}: ${answer.body.equals(Buffer.from(body)) ? "the old bytes" : "wrong bytes"}`);
    }
    const told: string[] = [];
    for await (const line of verify(door, { content: true })) if (line.event === "fault") told.push(line.path);
    assert.deepEqual([...new Set(told)].sort(), ["long", "middle", "short"]);
    for (const [path, body] of Object.entries(bodies)) {
      assert.equal((await put(door, path, body)).status, 200);
      assert.equal((await get(door, path)).body.toString(), body, `${path}: put again, it is whole`);
    }
    await requireWhole(door);
  } finally {
    await door.close();
  }
});

test("writers that each read, add one and write if nobody was faster lose no addition; the slower one gets 412", async () => {
  const door = await openDoor();
  try {
    await newBucket(door);
    await put(door, "counter", "0");
    let refused = 0;
    const addTen = async () => {
      for (let added = 0; added < 10; ) {
        const { body, headers } = await get(door, "counter");
        const { status } = await put(door, "counter", String(Number(body.toString()) + 1), { "if-match": headers.etag! });
        assert.ok(status === 200 || status === 412, String(status));
        status === 200 ? added++ : refused++;
      }
    };
    await Promise.all([addTen(), addTen(), addTen()]);
    assert.equal((await get(door, "counter")).body.toString(), "30");
    assert.ok(refused > 0, "nobody was ever slower");
  } finally {
    await door.close();
  }
});

test("of two who commit on the head that both saw one wins; the other gets lake.moved, looks again, and wins", async () => {
  const door = await openDoor();
  try {
    await newBucket(door);
    const repository = door.repositories.of("disk");
    const commitFive = async (writer: string) => {
      for (let n = 0; n < 5; ) {
        const { head } = await repository.branch("main");
        await put(door, `${writer}-${n}`, `${writer} ${n}`);
        await repository.commit("main", { message: `${writer} ${n}`, ...BY, expect: head }).then(
          () => n++,
          (error) => {
            if (error.code === "lake.nothing-staged") return n++; // the other one's commit has it
            assert.equal(error.code, "lake.moved");
          },
        );
      }
    };
    await Promise.all([commitFive("ann"), commitFive("bob")]);
    assert.equal(await repository.count("main"), 10);
    const { head } = await repository.branch("main");
    await put(door, "both", "both");
    const both = await Promise.allSettled(
      ["ann", "bob"].map((author) => repository.commit("main", { message: author, author, expect: head })),
    );
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((both.find(({ status }) => status === "rejected") as PromiseRejectedResult).reason.code, "lake.moved");
    await requireWhole(door);
  } finally {
    await door.close();
  }
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
