/**
 * What the platform runs on, as commits of the repository `infrastructure`: drivers and their versions, the host, the settings and the lock file.
 * A commit is made at each start that differs from the one before, and every run names the one that it began on.
 */
import { readFile } from "node:fs/promises";
import { arch, availableParallelism, cpus, hostname, platform, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { canonicalJson, type Digest } from "./base/index.ts";
import type { Config } from "./contract/index.ts";
import { type Change, type Repositories, storedEntry } from "./lake/index.ts";
import { readPackage } from "./package.ts";
import type { Objects } from "./ports/objects/index.ts";
import type { Records } from "./ports/records/index.ts";

export const INFRASTRUCTURE = "infrastructure";

export interface InfrastructureResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly repositories: Repositories;
  readonly config: Config;
}

/** The commit that describes how things are now; a new one where they are not as they were at the last start. */
export async function commitInfrastructure(resources: InfrastructureResources): Promise<Digest> {
  const { records, objects, repositories, config } = resources;
  const repository = await openRepository(repositories);
  const [described, lock] = [await describe(config, records), await readLockFile(config.project)];
  const files = {
    "infrastructure.json": Buffer.from(`${JSON.stringify(JSON.parse(canonicalJson(described)), null, 2)}\n`),
    ...(lock && { "package-lock.json": lock }),
  };
  const changes: Change[] = [];
  for (const [path, bytes] of Object.entries(files)) {
    const digest = await objects.put(bytes);
    if ((await repository.entry("main", path))?.digest !== digest)
      changes.push({ path, entry: await storedEntry(objects, digest, "application/json", Date.now()) });
  }
  if (!lock && (await repository.entry("main", "package-lock.json"))) changes.push({ path: "package-lock.json", entry: null });
  const head = await repository.commitOf("main");
  if (changes.length === 0) return head.id;

  const message = `Started on ${described.host.name}: ${changes.map(({ path }) => path).join(", ")} changed`;
  const { commit, statements, committed } = await repository.commitStatements("main", changes, {
    message,
    author: "millwright",
    expect: head.id,
  });
  if (!(await records.commit(statements)).committed) return commitInfrastructure(resources);
  await committed();
  return commit.id;
}

async function openRepository(repositories: Repositories) {
  const [found] = await repositories.list({ limit: 1, after: INFRASTRUCTURE.slice(0, -1) });
  if (found?.name !== INFRASTRUCTURE) {
    await repositories.create({ name: INFRASTRUCTURE, actor: "millwright" });
    await repositories.of(INFRASTRUCTURE).protect("main", true);
  }
  return repositories.of(INFRASTRUCTURE);
}

/** Without secrets, and without what says nothing of results, as ports. */
async function describe(config: Config, records: Records) {
  const root = join(import.meta.dirname, "..");
  const { version, dependencies } = readPackage(root);
  return {
    millwright: version,
    node: process.versions.node,
    host: {
      name: hostname(),
      system: `${platform()} ${release()}`,
      architecture: arch(),
      processor: cpus()[0]?.model ?? "",
      cores: availableParallelism(),
      memoryMb: Math.floor(totalmem() / 2 ** 20),
    },
    drivers: {
      records: config.records === null ? `sqlite ${process.versions.sqlite}` : `postgresql ${await serverVersion(records)}`,
      objects:
        config.objects === null
          ? "files"
          : `s3 ${config.objectsEndpoint ?? `aws ${config.objectsRegion}`} ${config.objects.bucket}/${config.objects.prefix}`,
      tables: `duckdb ${dependencies["@duckdb/node-api"]}`,
      scoring: await installedVersion("onnxruntime-node"),
    },
    settings: {
      threads: config.threads,
      memoryMb: config.memoryMb,
      encrypt: config.encrypt,
      objectsCacheMb: config.objectsCacheMb,
      webhook: config.webhook !== null,
    },
  };
}

async function serverVersion(records: Records): Promise<string> {
  const [row] = await records.query<{ version: string }>("SELECT current_setting('server_version') AS version");
  return row!.version;
}

/** null: it is not installed. */
async function installedVersion(name: string): Promise<string | null> {
  try {
    const { default: found } = await import(`${name}/package.json`, { with: { type: "json" } });
    return `${name} ${found.version}`;
  } catch {
    return null;
  }
}

/** The nearest lock file at the project or above it. */
async function readLockFile(folder: string): Promise<Buffer | null> {
  const found = await readFile(join(folder, "package-lock.json")).catch(() => null);
  if (found !== null) return found;
  const above = dirname(folder);
  return above === folder ? null : readLockFile(above);
}
