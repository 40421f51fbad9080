import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { ended, mill, millJson, newPath, type Started, serve, start, stopped } from "../../../examples/run-mill.ts";

interface Added {
  readonly files: number;
  readonly bytes: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly leftOut: number;
  readonly failed: number;
  readonly commit: string | null;
}
interface Listed {
  readonly items: readonly {
    readonly path: string;
    readonly entry: { readonly digest: string; readonly contentType?: string };
  }[];
  readonly next: string | null;
}

function newProject(): string {
  const project = newPath("project");
  write(project, { "mill.ts": "", "package.json": '{"type":"module"}' });
  return project;
}

function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const sha256 = (bytes: string | Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const add = (project: string, ...words: string[]) => millJson<Added>("lake", "add", ...words, "--project", project);
const get = (project: string, ...words: string[]) => millJson<Added>("lake", "get", ...words, "--project", project);

async function pathsOf(project: string, address: string): Promise<string[]> {
  const paths: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const more: string[] = cursor === "" ? [] : ["--cursor", cursor];
    const page: Listed = await millJson<Listed>(
      "lake",
      "ls",
      address,
      "--recursive",
      "--limit",
      "1000",
      ...more,
      "--project",
      project,
    );
    paths.push(...page.items.map(({ path }) => path));
    cursor = page.next;
  }
  return paths;
}

/** Waits until something below a prefix is staged. */
async function shows({ url }: { readonly url: string }, prefix: string): Promise<void> {
  const address = `${url}/v1/repositories/photos/refs/main/objects?limit=1&prefix=${encodeURIComponent(prefix)}`;
  while (((await (await fetch(address)).json()) as Listed).items.length === 0);
}

/** As `diff -r` sees it: nothing differs. */
const same = (a: string, b: string) => execFileSync("diff", ["-r", "--no-dereference", a, b]).toString();

const project = newProject();
let server: Started;
before(async () => {
  server = await serve("--project", project);
  await millJson("lake", "create", "photos", "--project", project);
});

test("what goes in comes out: thousands of files, a long one, an empty one, names of every kind; a second time nothing is sent", async () => {
  const odd = [
    "ünïcode/日本語 🐈.txt",
    "a b+c%20d&e=f.txt",
    "quote'\".json",
    "back\\slash",
    "x/\u{ffff}",
    "x/\u{1f408}",
    "x/y.z/1",
    "x/y/1",
    "x/y0",
  ];
  const folder = write(newPath("in"), {
    ...Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`small/${i % 50}/${i}.jpg`, `image ${i}`.repeat(1 + (i % 90))]),
    ),
    ...Object.fromEntries(odd.map((name) => [name, name])),
    "long.bin": randomBytes(64 << 20),
    "middle.bin": randomBytes(3_000_001),
    "whole.bin": randomBytes(100_000),
    "empty.csv": "",
  });
  const first = await add(project, "photos@main", folder, "--to", "all", "--message", "All of it");
  assert.deepEqual([first.files, first.unchanged, first.failed], [5000 + odd.length + 4, 0, 0]);
  assert.match(first.commit!, /^sha256:/);

  const second = await add(project, "photos@main", folder, "--to", "all/", "--message", "Again");
  assert.deepEqual([second.files, second.bytes, second.unchanged, second.commit], [0, 0, first.files, null]);

  const paths = await pathsOf(project, "photos@main");
  assert.equal(paths.length, first.files);
  assert.deepEqual(
    paths,
    paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  const listed = await millJson<Listed>("lake", "ls", "photos@main", "all/empty.csv", "--project", project);
  assert.equal(listed.items[0]!.entry.contentType, "text/csv");

  const out = newPath("out");
  const got = await get(project, `photos@${first.commit!.slice(7)}`, "all", "--to", out);
  assert.deepEqual([got.files, got.failed], [first.files, 0]);
  assert.equal(same(folder, out), "");
  const again = await get(project, "photos@main", "all/", "--to", out);
  assert.deepEqual([again.files, again.bytes, again.unchanged], [0, 0, first.files]);
});

test("only what changed is sent, of equal size too; with --delete what is gone is removed, and nothing outside of the folder", async () => {
  const folder = write(newPath("in"), { "a.txt": "one", "b.txt": "two", "c/d.txt": "three", "e.txt": "four" });
  await millJson("lake", "create", "edited", "--project", project);
  await add(project, "edited", folder, "--to", "here");
  await add(project, "edited", join(folder, "a.txt"), "--message", "One file, at the root");
  write(folder, { "a.txt": "ONE", "f.txt": "five" });
  rmSync(join(folder, "c"), { recursive: true });
  const { files, unchanged, removed } = await add(project, "edited", folder, "--to", "here", "--delete");
  assert.deepEqual([files, unchanged, removed], [2, 2, 1]);
  assert.deepEqual(await pathsOf(project, "edited"), ["a.txt", "here/a.txt", "here/b.txt", "here/e.txt", "here/f.txt"]);
  const one = newPath("one");
  await get(project, "edited", "here/a.txt", "--to", one);
  assert.equal(readFileSync(join(one, "a.txt"), "utf8"), "ONE");
  assert.equal((await mill("lake", "get", "edited", "nowhere", "--to", one, "--project", project)).code, 6);
});

test("links that stay inside are followed, others and special files are told and left out, and so are names that are not UTF-8", async () => {
  const folder = write(newPath("in"), { "a/file.txt": "inside" });
  symlinkSync("a/file.txt", join(folder, "link.txt"));
  symlinkSync("a", join(folder, "b"));
  symlinkSync("/etc/hostname", join(folder, "outside"));
  symlinkSync("nowhere", join(folder, "dangling"));
  symlinkSync("..", join(folder, "a", "around"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]), "name");
  await millJson("lake", "create", "links", "--project", project);
  const { code, stdout, stderr } = await mill("lake", "add", "links", folder, "--project", project);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^3 files added to links@main, 18 B, 6 left out/);
  for (const why of [/outside: .*leads outside/, /dangling: .*nowhere/, /around: .*around it/, /pipe: .*neither/, /not UTF-8/])
    assert.match(stderr, why);
  assert.deepEqual(await pathsOf(project, "links"), ["a/file.txt", "b/file.txt", "link.txt"]);
});

test("a file that cannot go in is told and keeps no other one out, but then nothing is removed or committed", async () => {
  await millJson("lake", "create", "partial", "--project", project);
  await add(project, "partial", write(newPath("in"), { "old.txt": "old" }), "--message", "Before");
  const folder = write(newPath("in"), { "a.txt": "one", [Array.from({ length: 11 }, () => "x".repeat(100)).join("/")]: "deep" });
  const { code, stdout, stderr } = await mill(
    "lake",
    "add",
    "partial",
    folder,
    "--message",
    "x",
    "--delete",
    "--project",
    project,
  );
  assert.equal(code, 4);
  assert.match(stderr, /more than 1024 bytes/);
  assert.match(stdout, /^1 files added[\s\S]* 1 FAILED[\s\S]*nothing was removed, and nothing committed/);
  assert.deepEqual(await pathsOf(project, "partial"), ["a.txt", "old.txt"]);
});

test("names that would leave the folder are refused, and so are places behind links in it; the rest is written", async () => {
  await millJson("lake", "create", "hostile", "--project", project);
  const token = readFileSync(join(project, ".mill", "token"), "utf8").trim();
  const { s3 } = JSON.parse(readFileSync(join(project, ".mill", "lock"), "utf8")) as { s3: string };
  const { request } = await import("node:http");
  const put = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const target = `/hostile.main/${path.split("/").map(encodeURIComponent).join("/")}`;
      const sent = request(s3, {
        method: "PUT",
        path: target,
        headers: { authorization: `Bearer ${token}`, "content-length": 4 },
      });
      sent.on("response", (reply) => resolve(reply.resume().statusCode!)).on("error", reject);
      sent.end("evil");
    });
  const hostile = ["../up.txt", "a/../../up.txt", "/etc/up.txt", "a//b", "./c", "link/x", "folder/"];
  for (const path of [...hostile, "good/file.txt"]) assert.equal(await put(path), 200, path);
  const around = newPath("around");
  const out = write(join(around, "out"), {});
  mkdirSync(out, { recursive: true });
  mkdirSync(join(around, "elsewhere"));
  symlinkSync("../elsewhere", join(out, "link"));
  const { code, stdout, stderr } = await mill("lake", "get", "hostile", "--to", out, "--project", project);
  assert.equal(code, 4);
  assert.match(stdout, /^1 files written .* 6 FAILED/);
  assert.match(stderr, /\.\.\/up\.txt/);
  assert.deepEqual(execFileSync("find", [around, "-type", "f"]).toString().trim(), join(out, "good", "file.txt"));
  assert.equal(readlinkSync(join(out, "link")), "../elsewhere");
});

test("a long download that was cut off goes on where it ended, and one that does not fit begins anew", async () => {
  const folder = write(newPath("in"), { "long.bin": randomBytes(20 << 20) });
  await millJson("lake", "create", "resumed", "--project", project);
  await add(project, "resumed", folder);
  const out = newPath("out");
  const whole = await get(project, "resumed", "--to", out);
  assert.equal(whole.bytes, 20 << 20);
  const { digest } = (await millJson<Listed>("lake", "ls", "resumed", "--project", project)).items[0]!.entry;
  assert.equal(digest, sha256(readFileSync(join(folder, "long.bin"))));
  const part = join(out, `.mill-${createHash("sha256").update(`${digest} long.bin`).digest("hex").slice(0, 32)}.part`);
  const cutOff = (bytes: Uint8Array) => {
    rmSync(join(out, "long.bin"), { force: true });
    writeFileSync(part, bytes);
  };
  cutOff(readFileSync(join(folder, "long.bin")).subarray(0, 15 << 20));
  assert.equal((await get(project, "resumed", "--to", out)).bytes, 5 << 20);
  assert.equal(same(folder, out), "");
  cutOff(randomBytes(1 << 20));
  assert.equal((await mill("lake", "get", "resumed", "--to", out, "--project", project)).code, 4);
  assert.equal((await get(project, "resumed", "--to", out)).bytes, 20 << 20);
  assert.equal(same(folder, out), "");
});

test("a file that grows while it is read is told, and nothing of it that never was goes in", async () => {
  const folder = write(newPath("in"), { "grows.bin": randomBytes(40 << 20) });
  await millJson("lake", "create", "growing", "--project", project);
  const file = join(folder, "grows.bin");
  const { child, text } = start(["lake", "add", "growing", folder, "--project", project]);
  const grow = setInterval(() => truncateSync(file, statSync(file).size + 1), 5);
  const code = await ended(child);
  clearInterval(grow);
  assert.equal(code, 4, text.stderr);
  assert.match(text.stderr, /changed while it was read; it is read once more/);
  assert.match(text.stdout, /1 FAILED/);
  assert.deepEqual(await pathsOf(project, "growing"), []);
  assert.equal((await add(project, "growing", folder)).files, 1);
});

test("a protected branch, a tag, an unknown repository and a path that is not there are named", async () => {
  const folder = write(newPath("in"), { "a.txt": "one" });
  await millJson("lake", "create", "kept", "--project", project);
  await millJson("lake", "tag", "kept@main", "v1", "--project", project);
  await millJson("lake", "protect", "kept@main", "--project", project);
  const run = (...words: string[]) => mill("lake", "add", ...words, "--project", project);
  assert.match((await run("kept@main", folder)).stderr, /protected/);
  assert.match((await run("kept@v1", folder)).stderr, /which never changes/);
  assert.equal((await run("nobody", folder)).code, 6);
  assert.equal((await run("kept@main", join(folder, "none"))).code, 2);
  assert.equal((await run("kept@main", folder, "--jobs", "0")).code, 2);
  assert.match((await run("kept@main", folder, join(folder, "a.txt"))).stderr, /would both become a\.txt/);
});

test("a server that is killed while files go in, and a command that is interrupted, lose nothing that was staged: run again, all of it is there", async () => {
  const own = newProject();
  let running: Started & { readonly url: string } = await serve("--project", own);
  await millJson("lake", "create", "photos", "--project", own);
  const folder = write(newPath("in"), {
    ...Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`${i % 30}/${i}.txt`, `text ${i} `.repeat(200)])),
    "long.bin": randomBytes(30 << 20),
  });
  const { child, text } = start(["lake", "add", "photos", folder, "--jobs", "8", "--message", "x", "--project", own]);
  const end = ended(child);
  await shows(running, "1/");
  await stopped(running.child, "SIGKILL");
  assert.equal(await end, 8, `${text.stdout}${text.stderr}`);

  running = await serve("--project", own);
  const staged = await pathsOf(own, "photos");
  const folders = Array.from({ length: 30 }, (_, i) => `${i}/`).sort();
  const next = folders.find((prefix) => !staged.some((path) => path.startsWith(prefix)));
  assert.ok(staged.length > 300 && next !== undefined, `${staged.length} files were staged before the kill`);
  const cut = start(["lake", "add", "photos", folder, "--jobs", "4", "--project", own]);
  const cutEnd = ended(cut.child);
  await shows(running, next);
  cut.child.kill("SIGINT");
  assert.equal(await cutEnd, 130, `${cut.text.stdout}${cut.text.stderr}`);
  await stopped(running.child, "SIGTERM");

  const { files, unchanged, commit } = await add(own, "photos", folder, "--message", "All of it");
  assert.equal(files + unchanged, 9001);
  assert.ok(unchanged > staged.length && files > 0);
  assert.notEqual(commit, null);
  const out = newPath("out");
  await get(own, "photos", "--to", out);
  assert.equal(same(folder, out), "");
});

test("at the end the server stops as it should", async () => {
  assert.equal(await stopped(server.child, "SIGTERM"), 0);
});
