/** Runs a job that does nothing but look: whether the nodes have what steps on them need. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { DoorOptions } from "./door.ts";
import { createSlurmEngine } from "./slurm.ts";

export interface SlurmProbe extends DoorOptions {
  readonly partition: string | null;
  /** Where the probe's files lie for that long: one that steps will use. */
  readonly folder: string;
  /** How long the job may wait for its turn; default 20,000. */
  readonly waitMs?: number;
}

export type SlurmFound =
  /** Name of the machine. */
  | { readonly state: "shared"; readonly node: string }
  /** It ran, or was to, and left nothing here. */
  | { readonly state: "apart"; readonly why: string }
  | { readonly state: "waiting" };

const MEMORY_MB = 64;

/** Written where the job finds it; it finds Node by the path that Node has here. */
const LOOK = `const { existsSync, writeFileSync } = require("node:fs");
if (!existsSync(${JSON.stringify(import.meta.filename)})) {
  console.error("Millwright is not on the node, at " + ${JSON.stringify(import.meta.filename)});
  process.exit(1);
}
writeFileSync("found", require("node:os").hostname());
`;

/** Errors: those of the engine. */
export async function probeSlurm({ folder, waitMs = 20_000, ...reach }: SlurmProbe): Promise<SlurmFound> {
  const probe = await mkdtemp(join(folder, "slurm-probe-"));
  try {
    const look = join(probe, "look.cjs");
    await writeFile(look, LOOK);
    const steps = join(probe, "steps");
    const job = { stepId: "probe", fence: 0, folder: join(steps, "probe-0"), memoryMb: MEMORY_MB };
    await mkdir(job.folder, { recursive: true, mode: 0o700 });
    const workspace = `probe-${crypto.randomUUID()}`;
    const engine = createSlurmEngine({ ...reach, workspace, folder: steps, command: [process.execPath, look], patienceMs: 0 });
    const { exit, cancel, handle } = await engine.start(job, () => undefined);
    const ended = await Promise.race([exit, delay(waitMs, null, { ref: false })]);
    if (ended === null) {
      cancel();
      await engine.end(handle);
      return { state: "waiting" };
    }
    const node = await readFile(join(job.folder, "found"), "utf8").catch(() => null);
    return node === null ? { state: "apart", why: ended.stderr.trim() } : { state: "shared", node };
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}
