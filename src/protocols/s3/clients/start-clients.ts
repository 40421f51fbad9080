/** A door with what the clients' tests need, and real clients run against it: their programs, unmodified, as other processes. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry } from "../../../lake/index.ts";
import { openDoor, type TestDoor } from "../fixtures/open-door.ts";

/** Where keys of a place stand: a bucket, and what comes before each key in it. */
export interface ClientPlace {
  readonly bucket: string;
  readonly prefix: string;
  readonly tagBucket: string;
  readonly tagPrefix: string;
}

export interface RunResult {
  readonly code: number | null;
  /** Both streams, as they came. */
  readonly output: string;
  readonly stdout: string;
}

export interface ClientDoor {
  readonly door: TestDoor;
  readonly certificate: string | undefined;
  /** A folder that goes with the door. */
  readonly folder: string;
  /** A repository of its own for each call: as a bucket of one branch, as a bucket that shows its refs, or by `REPOSITORY.BRANCH`. */
  place(kind: "branch" | "refs" | "dotted"): Promise<ClientPlace>;
  /** One of the python programs beside this file. Errors: when it does not end well, with what it wrote. */
  program(name: string, place: ClientPlace): Promise<void>;
  /** Any program; what the clients read of their environment points at the door. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunResult>;
  /** The same; errors when it does not end well. */
  must(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunResult>;
  close(): Promise<void>;
}

const CLIENTS = process.env.MILL_TEST_S3_CLIENTS;
const PROGRAM_MS_MAX = 300_000;
const TAG = "v1";

/** Why a test of this client is skipped; false: it is there. */
export function missing(client: string): string | false {
  if (CLIENTS === undefined) return "MILL_TEST_S3_CLIENTS names no folder of clients: `.ci/s3-clients start DIR` makes one";
  return existsSync(join(CLIENTS, client)) ? false : `${client} is not installed in ${CLIENTS}`;
}

/** For a package of python. */
export function missingPackage(name: string, python = "python"): string | false {
  const absent = missing(`${python}/bin/python`);
  if (absent !== false) return absent;
  const packages = join(CLIENTS!, python, "lib");
  const found = execFileSync("find", [packages, "-maxdepth", "3", "-name", name], { encoding: "utf8" });
  return found === "" ? `${name} is not installed in ${join(CLIENTS!, python)}` : false;
}

export const clientPath = (client: string): string => join(CLIENTS!, client);

export async function openClientDoor({ https = false } = {}): Promise<ClientDoor> {
  const folder = mkdtempSync(join(tmpdir(), "mill-s3-clients-"));
  const certificate = https ? makeCertificate(folder) : null;
  const tls = certificate && { key: readFileSync(certificate.key), cert: readFileSync(certificate.cert) };
  const door = await openDoor(tls ? { tls } : {});
  const home = join(folder, "home");
  mkdirSync(home);
  const { url, key, repositories } = door;
  let places = 0;

  const run: ClientDoor["run"] = (command, args, env = {}) =>
    runProgram(command, args, {
      PATH: `${join(CLIENTS ?? "", "python/bin")}:${process.env.PATH}`,
      HOME: home,
      LANG: "C.UTF-8",
      NO_PROXY: "*",
      PYTHONDONTWRITEBYTECODE: "1",
      AWS_ACCESS_KEY_ID: key.id,
      AWS_SECRET_ACCESS_KEY: key.secret,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
      ...(certificate && { AWS_CA_BUNDLE: certificate.cert }),
      S3_URL: url,
      ...env,
    });
  const must: ClientDoor["must"] = async (command, args, env) => {
    const done = await run(command, args, env);
    if (done.code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${done.code}:\n${done.output.slice(-4000)}`);
    return done;
  };

  return {
    ...{ door, folder, run, must },
    certificate: certificate?.cert,
    async place(kind) {
      const name = `${kind}-${++places}`;
      await repositories.create({
        name,
        actor: "tests",
        ...(kind === "branch" && { bucketBranch: "main" }),
      });
      const tag = await fill(door, name);
      return {
        bucket: kind === "dotted" ? `${name}.main` : name,
        prefix: kind === "refs" ? "main/" : "",
        tagBucket: kind === "refs" ? name : `${name}.${tag}`,
        tagPrefix: kind === "refs" ? `${tag}/` : "",
      };
    },
    async program(name, { bucket, prefix, tagBucket, tagPrefix }) {
      const python = name.startsWith("s3fs") ? "python-s3fs/bin/python" : "python/bin/python";
      const place = { S3_BUCKET: bucket, S3_PREFIX: prefix, S3_TAG_BUCKET: tagBucket, S3_TAG_PREFIX: tagPrefix };
      await must(clientPath(python), [join(import.meta.dirname, name)], place);
    },
    async close() {
      await door.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Commits `tagged.txt` with the content "as it was" and tags it; then, in its place, come three pages of empty files: `many/0/0000` to `many/4/2499`. */
async function fill({ repositories, objects }: TestDoor, name: string): Promise<string> {
  const repository = repositories.of(name);
  const fileOf = async (text: string): Promise<Entry> => ({
    digest: await objects.put(Buffer.from(text)),
    sizeBytes: text.length,
    etag: createHash("md5").update(text).digest("hex"),
    modifiedMs: Date.now(),
  });
  await repository.stage("main", [{ path: "tagged.txt", entry: await fileOf("as it was") }], [], "tests");
  const { id } = await repository.commit("main", { message: "One file", author: "tests" });
  await repository.createTag(TAG, id);
  const entry = await fileOf("");
  const paths = Array.from({ length: 2500 }, (_, n) => `many/${n % 5}/${String(n).padStart(4, "0")}`);
  const changes = [{ path: "tagged.txt", entry: null }, ...paths.map((path) => ({ path, entry }))];
  await repository.stage("main", changes, [], "tests");
  return TAG;
}

function makeCertificate(folder: string): { readonly key: string; readonly cert: string } {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const form = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  execFileSync("openssl", [...form, "-keyout", key, "-out", cert, ...name], { stdio: "ignore" });
  return { key, cert };
}

function runProgram(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout: PROGRAM_MS_MAX });
    let [output, stdout] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, stdout }));
  });
}
