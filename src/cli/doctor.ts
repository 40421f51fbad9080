/** Looks at everything that Millwright needs from the outside, and says for each fault what mends it. Opens no workspace; a server that runs is asked. */
import { access, constants, mkdtemp, rm, stat, statfs, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { asMillError, formatSpan, parseDuration } from "../base/index.ts";
import { type Config, EXIT } from "../contract/index.ts";
import { openKeyring, readAuditAnchor, readLock, verifyChain } from "../guard/index.ts";
import { configuredObjects, probeObjects, readStoreMark } from "../ports/objects/index.ts";
import { openSnapshot, probeRecords } from "../ports/records/index.ts";
import { type Command, textFlag } from "./command.ts";
import { findServer } from "./connect.ts";
import { slurm } from "./doctor-slurm.ts";
import { type Finding, fault, finding } from "./findings.ts";
import { cell, table } from "./table.ts";

const NODE_MAJOR_MIN = 24;
const FREE_GB_MIN = 2;
const CLOCK_SKEW_MS_MAX = 5000;
const ANSWER_MS_MAX = 5000;

export const command: Command = async ({ flags, output, config }) => {
  const findings = flags.security
    ? await examineSafety(await config(), textFlag(flags, "max-age"))
    : await examine(await config());
  output.result({ findings }, () =>
    table(
      ["", "what", "found", "to mend it"],
      findings.map(({ state, what, found, fix }) => [state, what, cell(found), cell(fix)]),
    ),
  );
  return findings.some(({ state }) => state === "fault") ? EXIT.away : EXIT.done;
};

/** How safely it is kept, and not whether it works. */
async function examineSafety(config: Config, maxAge = `${AGE_DAYS_MAX}d`): Promise<Finding[]> {
  const { examineSecurity } = await import("./doctor-security.ts");
  const ageMsMax = parseDuration(maxAge, "--max-age") / 1000;
  return [...(await examineSecurity(config, { ageMsMax })), await audit(config)];
}

const AGE_DAYS_MAX = 365;

export const examine = async (config: Config): Promise<Finding[]> => [
  ...(await Promise.all([
    node(),
    installed("@duckdb/node-api", "fault", "npm install"),
    installed("fastify", "fault", "npm install"),
    installed(
      "onnxruntime-node",
      "warning",
      "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node (only for models other than trees and linear ones)",
    ),
    project(config),
    workspaceModes(config),
    lock(config),
    records(config),
    objects(config),
    keys(config),
    s3Port(config),
    disk(config),
    clock(),
  ])),
  ...(await slurm(config)),
  await audit(config),
  ...(await notices(config)),
];

async function node(): Promise<Finding> {
  const major = Number(process.versions.node.split(".")[0]);
  return finding("Node", major >= NODE_MAJOR_MIN ? "ok" : "fault", process.version, `npm i -D node@${NODE_MAJOR_MIN}`);
}

async function installed(name: string, otherwise: "warning" | "fault", fix: string): Promise<Finding> {
  try {
    createRequire(import.meta.url).resolve(name);
    return finding(name, "ok", "installed");
  } catch {
    return finding(name, otherwise, "not installed", fix);
  }
}

async function project({ project }: Config): Promise<Finding> {
  const readable = await access(join(project, "mill.ts"), constants.R_OK).then(
    () => true,
    () => false,
  );
  return finding(
    "project",
    readable ? "ok" : "fault",
    readable ? join(project, "mill.ts") : `no mill.ts in ${project}`,
    "mill init, or --project DIR",
  );
}

async function workspaceModes({ workspace }: Config): Promise<Finding> {
  const open = (
    await Promise.all([workspace, ...["token", "mill.db", "keys.json"].map((name) => join(workspace, name))].map(openToOthers))
  ).filter((path) => path !== null);
  if (open.length > 0)
    return finding("workspace", "fault", `others may read ${open.join(", ")}`, `chmod go-rwx ${open.join(" ")}`);
  const exists = await stat(workspace).catch(() => null);
  return finding("workspace", "ok", exists ? workspace : `${workspace} (will be made)`);
}

async function openToOthers(path: string): Promise<string | null> {
  const info = await stat(path).catch(() => null);
  return info !== null && (info.mode & 0o077) !== 0 ? path : null;
}

async function lock({ workspace }: Config): Promise<Finding> {
  const owner = await readLock(workspace);
  return finding(
    "lock",
    "ok",
    owner === null ? "free" : `process ${owner.pid} since ${owner.since}${owner.url ? ` on ${owner.url}` : ""}`,
  );
}

async function records({ workspace, records }: Config): Promise<Finding> {
  const path = join(workspace, "mill.db");
  try {
    return finding("records", "ok", (await probeRecords(records ?? path)) ?? `${path} (will be made)`);
  } catch (thrown) {
    return fault("records", thrown);
  }
}

/** Puts, reads and removes an object, and compares how the store was made with the settings. */
async function objects(config: Config): Promise<Finding> {
  const spec = configuredObjects(config);
  const place = spec.kind === "files" ? spec.folder : `s3://${spec.bucket}/${spec.prefix}`;
  try {
    if (spec.kind === "files" && !(await stat(spec.folder).catch(() => null)))
      return finding("objects", "ok", `${place} (will be made)`);
    await probeObjects(spec);
    const mark = await readStoreMark(spec);
    const how = (mark ?? spec).encrypted ? "encrypted" : "not encrypted";
    const fits = mark === null || mark.encrypted === spec.encrypted;
    return finding(
      "objects",
      fits ? "ok" : "fault",
      `${place}, ${how}`,
      `set \`encrypt\` to "${mark?.encrypted ? "yes" : "no"}"`,
    );
  } catch (thrown) {
    return fault("objects", thrown);
  }
}

/** Encrypted objects and the secrets of S3 clients open with these keys alone. */
async function keys({ workspace, key }: Config): Promise<Finding> {
  const path = join(workspace, "keys.json");
  if (key !== null) return finding("keys", "ok", "from the configuration");
  if (await stat(path).catch(() => null)) return finding("keys", "ok", `${path}; keep a copy of it elsewhere`);
  const used = await stat(join(workspace, "objects", "store.json")).catch(() => null);
  return used
    ? finding("keys", "warning", `no ${path}`, "restore it from a backup: without it nothing that was encrypted opens")
    : finding("keys", "ok", `${path} (will be made)`);
}

/** Reads the record of what was done beside its owner, and holds it against its anchor. */
async function audit({ workspace, records, key }: Config): Promise<Finding> {
  const path = join(workspace, "mill.db");
  const nothing = finding("audit", "ok", "nothing was done yet");
  if (records === null && !(await stat(path).catch(() => null))) return nothing;
  try {
    const hasKeys = key !== null || (await stat(join(workspace, "keys.json")).catch(() => null)) !== null;
    const anchor = hasKeys
      ? await readAuditAnchor(workspace, await openKeyring(workspace, { configured: key }))
      : { link: null, why: "there are no keys" };
    const snapshot = await openSnapshot(records ?? path); // behind the anchor, which may then not know its last rows
    try {
      if (!snapshot.tables.some(({ name }) => name === "audit")) return nothing;
      const state = await verifyChain(snapshot, anchor.link);
      if (!state.whole)
        return finding(
          "audit",
          "fault",
          `row ${state.seq}: ${state.why}`,
          "somebody changed the records beside Millwright: keep a copy of them, find out who can write them, and compare with a backup (mill restore); once audit.head is removed, a new one says so in the audit",
        );
      const count = state.rows.toLocaleString("en");
      if (anchor.link === null && state.rows > 0)
        return finding(
          "audit",
          "warning",
          `${count} rows; whether some were cut off at the end is not known: of the anchor, ${anchor.why}`,
          "the next command that changes something makes one, and says so in mill audit list --verb anchorAudit",
        );
      return finding("audit", "ok", `${count} rows, none altered, and none cut off up to row ${anchor.link?.seq ?? 0}`);
    } finally {
      await snapshot.close();
    }
  } catch (thrown) {
    return fault("audit", thrown);
  }
}

async function s3Port({ workspace, host, s3Port }: Config): Promise<Finding> {
  if ((await readLock(workspace))?.url) return finding("S3 port", "ok", "held by the server of this workspace");
  const probe = createServer();
  const failure = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    probe.once("error", resolve);
    probe.listen({ host, port: s3Port }, () => resolve(null));
  });
  probe.close();
  const found = failure
    ? `${host}:${s3Port} ${failure.code === "EADDRINUSE" ? "is taken" : failure.message}`
    : `${host}:${s3Port || "any"} is free`;
  return finding("S3 port", failure ? "warning" : "ok", found, "another port with --s3-port, or stop what listens there");
}

/** Of a server that runs: whether what it has to tell is heard. */
async function notices(config: Config): Promise<Finding[]> {
  const call = await findServer(config);
  if (call === null) return [];
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const { waiting, givenUp, error } = await call("getNotices", {}, { signal });
    const found = `${waiting} wait, ${givenUp} given up${error ? `: ${error}` : ""}`;
    return [
      finding(
        "notices",
        error === null ? "ok" : "warning",
        found,
        "see that the receiver of `webhook` can be reached, and takes them",
      ),
    ];
  } catch (thrown) {
    const { message, fix = "" } = asMillError(thrown);
    return [finding("server", "warning", message, fix)];
  }
}

async function disk({ workspace }: Config): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(workspace));
  const freeGb = (bavail * bsize) / 2 ** 30;
  return finding(
    "disk",
    freeGb >= FREE_GB_MIN ? "ok" : "warning",
    `${freeGb.toFixed(1)} GB free`,
    "make room, or move the workspace with --workspace",
  );
}

async function nearestFolder(path: string): Promise<string> {
  const exists = await stat(path).catch(() => null);
  return exists || path === dirname(path) ? path : nearestFolder(dirname(path));
}

/** The clock of the machine against that of its disk, which may be another machine's. */
async function clock(): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), "mill-doctor-"));
  try {
    const path = join(folder, "now");
    await writeFile(path, "");
    const skewMs = Math.abs((await stat(path)).mtimeMs - Date.now());
    const sane = skewMs <= CLOCK_SKEW_MS_MAX && new Date().getUTCFullYear() >= 2025;
    return finding(
      "clock",
      sane ? "ok" : "warning",
      `${new Date().toISOString()}, ${formatSpan(skewMs)} from the disk's`,
      "set the clock",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
