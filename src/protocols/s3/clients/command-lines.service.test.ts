/** Clients that are programs of the command line, as one would type them: awscli, s3cmd, rclone, and curl with links that they make. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import {
  type ClientDoor,
  type ClientPlace,
  clientPath,
  missing,
  openClientDoor,
  type RunResult,
} from "./fixtures/start-clients.ts";

let http: ClientDoor;
let https: ClientDoor;

before(async () => {
  if (!missing(".")) [http, https] = await Promise.all([openClientDoor(), openClientDoor({ https: true })]);
});
after(() => Promise.all([http?.close(), https?.close()]));

const NAMES = [
  "plain.txt",
  "sp ace and  two.txt",
  "pl+us.txt",
  "per%20cent%.txt",
  "ünïcode-日本-😀.txt",
  "amp&eq=semi;comma,.txt",
  "quotes'\"`<>.txt",
  "tilde~(paren)[bracket]{brace}!$@:.txt",
  "hash#mark.txt",
  "question?mark.txt",
  "star*.txt",
  "dots..in...the....name",
  "deep/er/and/deeper.bin",
];
const LARGE = "large one.bin";

/** A folder with every odd name and one file of several parts. */
function makeFiles(folder: string): void {
  for (const name of NAMES) write(join(folder, name), name);
  write(join(folder, LARGE), randomBytes(11 * 1024 ** 2));
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "base64")]),
  );

/** How often a method was answered since the last time. */
function counter({ door }: ClientDoor) {
  let seen = door.access.length;
  return (method: string): number => {
    const lines = door.access.slice(seen);
    seen = door.access.length;
    return lines.filter((line) => line.method === method && line.status < 300).length;
  };
}

interface Tool {
  sync(from: string, to: string): Promise<RunResult>;
  readonly url: (place: ClientPlace, path: string) => string;
}

/** Up, again, one changed, one gone, down: what is the same is not sent. */
async function syncs(client: ClientDoor, place: ClientPlace, { sync, url }: Tool): Promise<void> {
  const [source, back] = [join(client.folder, `${place.bucket}-source`), join(client.folder, `${place.bucket}-back`)];
  makeFiles(source);
  const sent = counter(client);
  await sync(source, url(place, "synced"));
  assert.ok(sent("PUT") >= NAMES.length);
  await sync(source, url(place, "synced"));
  assert.equal(sent("PUT"), 0, "nothing had changed");
  write(join(source, "plain.txt"), "changed, and longer");
  rmSync(join(source, "pl+us.txt"));
  await sync(source, url(place, "synced"));
  assert.equal(sent("PUT"), 1, "one file had changed");
  await sync(url(place, "synced"), back);
  assert.deepEqual(filesOf(back), filesOf(source));
  write(join(back, "stray"), "x");
  sent("GET");
  await sync(url(place, "synced"), back);
  assert.deepEqual(filesOf(back), filesOf(source));
  rmSync(source, { recursive: true });
  rmSync(back, { recursive: true });
}

async function refused(done: Promise<RunResult>, ...words: RegExp[]): Promise<void> {
  const { code, output } = await done;
  assert.notEqual(code, 0, output);
  for (const word of words) assert.match(output, word);
}

for (const kind of ["branch", "refs"] as const) {
  const where = kind === "branch" ? "in a bucket of one branch" : "in a bucket that shows refs";

  test(
    `awscli ${where}: cp, sync with --delete, ls, mv, rm, parts, presign, conditions, a tag`,
    { skip: missing("aws") },
    async () => awscli(http, await http.place(kind)),
  );

  test(
    `s3cmd ${where}: put, sync with --delete-removed, ls, cp, mv, del, info, parts, signurl, a tag`,
    { skip: missing("s3cmd") },
    async () => s3cmd(http, await http.place(kind)),
  );

  test(
    `rclone ${where}: copy, check, sync, lsf, moveto, touch, purge, parts, link, a tag`,
    { skip: missing("rclone") },
    async () => rclone(http, await http.place(kind)),
  );
}

test("awscli over https: parts and small files, whose checksums come as trailers", { skip: missing("aws") }, async () => {
  const place = await https.place("dotted");
  const [source, back] = [join(https.folder, "tls-source"), join(https.folder, "tls-back")];
  makeFiles(source);
  const sync = (from: string, to: string) =>
    https.must(clientPath("aws"), ["--endpoint-url", https.door.url, "s3", "sync", from, to, "--no-progress"]);
  await sync(source, `s3://${place.bucket}/x`);
  await sync(`s3://${place.bucket}/x`, back);
  assert.deepEqual(filesOf(back), filesOf(source));
});

test("rclone over https", { skip: missing("rclone") }, async () => rclone(https, await https.place("branch")));

async function awscli(client: ClientDoor, place: ClientPlace): Promise<void> {
  const config = join(client.folder, "aws-config");
  writeFileSync(config, "[default]\ns3 =\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n");
  const env = { AWS_CONFIG_FILE: config };
  const args = ["--endpoint-url", client.door.url];
  const aws = (...more: string[]) => client.must(clientPath("aws"), [...args, ...more], env);
  const url = ({ bucket, prefix }: ClientPlace, path: string) => `s3://${bucket}/${prefix}${path}`;
  const at = (path: string) => url(place, path);

  await syncs(client, place, { sync: (from, to) => aws("s3", "sync", from, to, "--delete", "--no-progress"), url });
  const listed = (await aws("s3", "ls", "--recursive", at("synced/"))).stdout.trimEnd().split("\n");
  const keys = listed.map((line) => line.slice(31));
  assert.deepEqual(
    keys.toSorted(),
    [...NAMES.filter((name) => name !== "pl+us.txt"), LARGE].map((name) => `${place.prefix}synced/${name}`).sort(),
  );
  assert.match((await aws("s3", "ls", at("many/"))).stdout, /^ +PRE 0\/\n +PRE 1\/\n/);
  assert.equal((await aws("s3", "ls", "--recursive", at("many/"))).stdout.trimEnd().split("\n").length, 2500);
  await aws("s3", "cp", at(`synced/${LARGE}`), at("copied, in parts"), "--no-progress");
  await aws("s3", "mv", at("copied, in parts"), at("moved"), "--no-progress");
  const local = join(client.folder, "down");
  await aws("s3", "cp", at("moved"), local, "--no-progress");
  assert.equal(readFileSync(local).byteLength, 11 * 1024 ** 2);
  const where = ["--bucket", place.bucket, "--key", `${place.prefix}synced/plain.txt`];
  await aws("s3api", "get-object", ...where, "--range", "bytes=3-6", local);
  assert.equal(readFileSync(local, "utf8"), "nged");
  await refused(
    client.run(clientPath("aws"), [...args, "s3api", "put-object", ...where, "--if-none-match", "*"], env),
    /PreconditionFailed/,
  );

  const link = (await aws("s3", "presign", at("synced/sp ace and  two.txt"))).stdout.trim();
  assert.equal((await client.must("curl", ["-sfk", link])).stdout, "sp ace and  two.txt");

  const tag = { bucket: place.tagBucket, prefix: place.tagPrefix };
  const to = `s3://${tag.bucket}/${tag.prefix}x`;
  await refused(
    client.run(clientPath("aws"), [...args, "s3", "cp", local, to], env),
    /AccessDenied/,
    /is a tag, which never changes/,
  );
  await refused(
    client.run(clientPath("aws"), [...args, "s3", "ls", at("")], { ...env, AWS_SECRET_ACCESS_KEY: "wrong" }),
    /SignatureDoesNotMatch/,
  );
  await aws("s3", "rm", "--recursive", at("synced/"), "--quiet");
  assert.equal((await client.run(clientPath("aws"), [...args, "s3", "ls", at("synced/")], env)).stdout, "");
  await aws("s3", "mb", "s3://made-by-awscli");
  await aws("s3", "cp", local, "s3://made-by-awscli/x", "--no-progress");
  await aws("s3", "rb", "--force", "s3://made-by-awscli");
  assert.doesNotMatch((await aws("s3", "ls")).stdout, /made-by-awscli/);
}

async function s3cmd(client: ClientDoor, place: ClientPlace): Promise<void> {
  const { host } = new URL(client.door.url);
  const { id, secret } = client.door.key;
  const common = [
    "--no-ssl",
    `--host=${host}`,
    `--host-bucket=${host}`,
    "--no-progress",
    "--multipart-chunk-size-mb=5",
    "--guess-mime-type",
  ];
  const args = [...common, `--access_key=${id}`, `--secret_key=${secret}`];
  const s3 = (...more: string[]) => client.must(clientPath("s3cmd"), [...args, ...more]);
  const url = ({ bucket, prefix }: ClientPlace, path: string) => `s3://${bucket}/${prefix}${path}`;
  const at = (path: string) => url(place, path);

  const sync = (from: string, to: string) => s3("sync", "--delete-removed", `${from}/`, `${to}/`);
  await syncs(client, place, { sync, url });
  assert.equal((await s3("ls", "--recursive", at("synced/"))).stdout.trimEnd().split("\n").length, NAMES.length);
  assert.equal((await s3("ls", "--recursive", at("many/"))).stdout.trimEnd().split("\n").length, 2500);
  assert.equal((await s3("ls", at("many/"))).stdout.trimEnd().split("\n").length, 5);
  await s3("cp", at(`synced/${LARGE}`), at("copied ü"));
  await s3("mv", at("copied ü"), at("moved"));
  const local = join(client.folder, "s3cmd-down");
  await s3("get", "--force", at("moved"), local);
  assert.equal(readFileSync(local).byteLength, 11 * 1024 ** 2);
  await s3("modify", "--add-header=x-amz-meta-colour:blue", at("synced/plain.txt"));
  assert.match((await s3("info", at("synced/plain.txt"))).stdout, /x-amz-meta-colour: blue/);
  assert.match((await s3("info", `s3://${place.bucket}`)).stdout, /Location: +us-east-1/);
  const link = (await s3("signurl", at("synced/plain.txt"), "+60")).stdout.trim();
  assert.equal((await client.must("curl", ["-sf", link])).stdout, "changed, and longer");
  const to = `s3://${place.tagBucket}/${place.tagPrefix}x`;
  await refused(client.run(clientPath("s3cmd"), [...args, "put", local, to]), /is a tag, which never changes/);
  const wrong = [...common, `--access_key=${id}`, "--secret_key=wrong", "ls", at("")];
  await refused(client.run(clientPath("s3cmd"), wrong), /signature/i);
  await s3("del", "--recursive", "--force", at("synced/"));
  assert.equal((await s3("ls", "--recursive", at("synced/"))).stdout, "");
  await s3("mb", "s3://made-by-s3cmd");
  await s3("rb", "s3://made-by-s3cmd");
}

async function rclone(client: ClientDoor, place: ClientPlace): Promise<void> {
  const config = join(client.folder, "rclone.conf");
  const { id, secret } = client.door.key;
  const remote = (name: string, secretKey: string) =>
    `[${name}]\ntype = s3\nprovider = Other\nendpoint = ${client.door.url}\naccess_key_id = ${id}\nsecret_access_key = ${secretKey}\nregion = us-east-1\nchunk_size = 5M\nupload_cutoff = 6M\ncopy_cutoff = 6M\n`;
  writeFileSync(config, remote("door", secret) + remote("wrong", "wrong"));
  const args = ["--config", config, "--retries", "1", ...(client.certificate ? ["--ca-cert", client.certificate] : [])];
  const env = { AWS_CA_BUNDLE: "" }; // --ca-cert says it, and rclone takes one of them
  const rc = (...more: string[]) => client.must(clientPath("rclone"), [...args, ...more], env);
  const url = ({ bucket, prefix }: ClientPlace, path: string) => `door:${bucket}/${prefix}${path}`;
  const at = (path: string) => url(place, path);

  await syncs(client, place, { sync: (from, to) => rc("sync", from, to), url });
  assert.equal((await rc("lsf", "--recursive", "--files-only", at("synced"))).stdout.trimEnd().split("\n").length, NAMES.length);
  assert.equal((await rc("lsf", "--recursive", "--files-only", at("many"))).stdout.trimEnd().split("\n").length, 2500);
  assert.equal((await rc("lsf", at("many"))).stdout, "0/\n1/\n2/\n3/\n4/\n");
  const local = join(client.folder, "rclone-local");
  makeFiles(local);
  await rc("copy", local, at("copied"));
  await rc("check", local, at("copied"));
  await rc("check", "--download", local, at("copied"));
  await rc("copyto", at(`copied/${LARGE}`), at("copy in parts"));
  await rc("moveto", at("copy in parts"), at("moved ü"));
  await rc("touch", "--timestamp", "2020-01-02T03:04:05", at("copied/plain.txt"));
  assert.match((await rc("lsl", at("copied/plain.txt"))).stdout, /2020-01-02 03:04:05/);
  assert.equal((await rc("cat", "--offset", "3", "--count", "4", at("copied/plain.txt"))).stdout, "in.t");
  assert.match((await rc("md5sum", at("moved ü"))).stdout, /^[0-9a-f]{32} /);
  const link = (await rc("link", at("copied/plain.txt"), "--expire", "1h")).stdout.trim();
  assert.equal((await client.must("curl", ["-sfk", link])).stdout, "plain.txt");
  const to = `door:${place.tagBucket}/${place.tagPrefix}x`;
  await refused(
    client.run(clientPath("rclone"), [...args, "--low-level-retries", "1", "copy", local, to], env),
    /is a tag, which never changes/,
  );
  await refused(
    client.run(clientPath("rclone"), [...args, "--low-level-retries", "1", "lsf", at("").replace("door:", "wrong:")], env),
    /SignatureDoesNotMatch|403/,
  );
  await rc("backend", "list-multipart-uploads", `door:${place.bucket}`);
  await rc("purge", at("copied"));
  assert.equal((await rc("lsf", at(""))).stdout.includes("copied/"), false);
  await rc("mkdir", "door:made-by-rclone");
  await rc("rmdir", "door:made-by-rclone");
}
