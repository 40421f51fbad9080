/** How safely a workspace is kept: looks at files, settings and rows, opens and changes nothing, and says for each finding what mends it. */
import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Config, namesSecret, ROLES, tlsFiles } from "../contract/index.ts";
import { inspectCertificate, OWNER } from "../guard/index.ts";
import { openSnapshot, type Snapshot } from "../ports/records/index.ts";
import { isLoopback } from "../server/index.ts";
import { age, named, slurmToken } from "./doctor-secrets.ts";
import { type Finding, fault, finding } from "./findings.ts";

export interface SecurityOptions {
  /** Tokens and keys that are older are told. */
  readonly ageMsMax: number;
  readonly now?: () => number;
}

const DAY_MS = 86_400_000;
const EXPIRES_SOON_MS = 14 * DAY_MS;

export async function examineSecurity(config: Config, { ageMsMax, now = Date.now }: SecurityOptions): Promise<Finding[]> {
  const isOld = (atMs: number) => now() - atMs > ageMsMax;
  const findings = await Promise.all([
    modes(config),
    bind(config),
    tls(config, now()),
    adminToken(config, isOld),
    keys(config, isOld),
    encryption(config),
    sandbox(),
    limits(config),
    ...addresses(config),
  ]);
  return [...findings, ...(await slurmToken(config, now())), ...(await named(config)), ...(await people(config, isOld))];
}

/** Everything in the workspace is its owner's alone; so are the secrets that settings name. */
async function modes({ workspace, tlsKey, s3CertificateKey, oidcSecretFile, slurmTokenFile }: Config): Promise<Finding> {
  const inside = (await readdir(workspace).catch(() => [])).map((name) => join(workspace, name));
  const top = await stat(workspace).catch(() => null);
  const closed = top !== null && (top.mode & 0o077) === 0;
  /** In a folder that is closed it does not matter what is open, but for what holds secrets. */
  const secrets = ["token", "keys.json", "mill.db", "audit.head"].map((name) => join(workspace, name));
  const looked = [
    workspace,
    ...(closed ? secrets : inside),
    ...[tlsKey, s3CertificateKey, oidcSecretFile, slurmTokenFile].filter(
      (path): path is string => path !== null && !namesSecret(path),
    ),
  ];
  const open: string[] = [];
  for (const path of looked) {
    const info = await stat(path).catch(() => null);
    if (info !== null && (info.mode & 0o077) !== 0) open.push(path);
  }
  return open.length === 0
    ? finding("files", "ok", "nobody else may read the workspace and the files of secrets")
    : finding("files", "fault", `others may read ${open.join(", ")}`, `chmod go-rwx ${open.join(" ")}`);
}

async function bind({ host, tlsCert, s3Certificate }: Config): Promise<Finding> {
  if (isLoopback(host)) return finding("address", "ok", `${host}: reached from this machine alone`);
  if (tlsCert === null)
    return finding(
      "address",
      "fault",
      `${host}: passwords, tokens and rows cross the network in the clear${s3Certificate === null ? "" : ", but for the S3 door"}`,
      "mill up --tls-cert FILE --tls-key FILE, or --host 127.0.0.1 behind a proxy that speaks https",
    );
  return finding("address", "ok", `${host}, by https`);
}

async function tls(config: Config, nowMs: number): Promise<Finding> {
  try {
    const files = tlsFiles(config);
    if (files === null) return finding("certificate", "ok", "none is set");
    const { names, expiresAt } = await inspectCertificate(files);
    const ends = new Date(expiresAt).toISOString().slice(0, 10);
    const found = `${names.join(", ") || "without names"}, until ${ends}`;
    const state = expiresAt <= nowMs ? "fault" : expiresAt - nowMs < EXPIRES_SOON_MS ? "warning" : "ok";
    return finding("certificate", state, found, `renew ${files.cert}: it is read again by itself`);
  } catch (thrown) {
    return fault("certificate", thrown);
  }
}

async function adminToken({ workspace, token }: Config, isOld: IsOld): Promise<Finding> {
  if (token !== null) return finding("admin token", "ok", "from the configuration");
  const made = await stat(join(workspace, "token")).catch(() => null);
  if (made === null) return finding("admin token", "ok", "will be made");
  return finding("admin token", isOld(made.mtimeMs) ? "warning" : "ok", `made ${day(made.mtimeMs)}`, "mill token --new");
}

async function keys({ workspace, key }: Config, isOld: IsOld): Promise<Finding> {
  if (key !== null) return finding("keys", "ok", "from the configuration");
  const made = await stat(join(workspace, "keys.json")).catch(() => null);
  if (made === null) return finding("keys", "ok", "will be made");
  return finding("keys", isOld(made.mtimeMs) ? "warning" : "ok", `changed last ${day(made.mtimeMs)}`, "mill key rotate");
}

type IsOld = (atMs: number) => boolean;

/** On this machine's disk the file modes keep others out; a bucket is somebody else's machine. */
async function encryption({ encrypt, objects }: Config): Promise<Finding> {
  if (encrypt) return finding("encryption", "ok", "objects are encrypted where they are kept");
  return objects === null
    ? finding("encryption", "ok", "objects lie in the clear on this machine's disk, closed to others; `encrypt` seals them too")
    : finding(
        "encryption",
        "warning",
        `objects lie in the clear in s3://${objects.bucket}`,
        'set `encrypt` to "yes" for a new workspace',
      );
}

async function sandbox(): Promise<Finding> {
  const version = await promisify(execFile)("bwrap", ["--version"]).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
  return version === null
    ? finding(
        "bubblewrap",
        "warning",
        "not installed: steps on this machine cannot be kept in a sandbox",
        "apt install bubblewrap",
      )
    : finding("bubblewrap", "ok", version);
}

async function limits({ strangerLimit, actorLimit, s3Limit }: Config): Promise<Finding> {
  const without = Object.entries({ strangerLimit, actorLimit, s3Limit }).flatMap(([name, perMinute]) =>
    perMinute === 0 ? [name] : [],
  );
  return without.length === 0
    ? finding("limits", "ok", "requests are bounded by address, user and key")
    : finding(
        "limits",
        "warning",
        `none by ${without.join(", ")}`,
        `leave ${without.join(", ")} out, or set what real use does not reach`,
      );
}

/** Where tokens, rows or events are sent in the clear, or unsigned. */
function addresses(config: Config): Finding[] {
  const { webhook, webhookSecret, webhookPrivate, openLineage, slurmUrl, slurmPlainHttp, records, oidcIssuer } = config;
  const told: Finding[] = [];
  const posts = [["webhook", webhook] as const, ["openLineage", openLineage] as const];
  for (const [what, address] of posts) {
    if (address === null || !/^https?:/i.test(address)) continue;
    const faults = [
      ...(isClear(address) ? ["in the clear"] : []),
      ...(webhookSecret === null ? ["unsigned"] : []),
      ...(webhookPrivate && what === "webhook" ? ["allowed into private networks"] : []),
    ];
    const fix = "use an https address, set MILL_WEBHOOK_SECRET, leave webhookPrivate out where it is not needed";
    told.push(
      finding(what, faults.length > 0 ? "warning" : "ok", `${hostOf(address)}: ${faults.join(", ") || "https, signed"}`, fix),
    );
  }
  if (slurmUrl !== null) {
    const clear = isClear(slurmUrl);
    const found = `${hostOf(slurmUrl)}: ${clear ? "tokens go to it in the clear" : "https, or on this machine"}`;
    const fix = "put https in front of slurmrestd, and leave slurmPlainHttp out";
    told.push(finding("slurmrestd", clear ? (slurmPlainHttp ? "warning" : "fault") : "ok", found, fix));
  }
  if (oidcIssuer !== null)
    told.push(finding("OpenID provider", isClear(oidcIssuer) ? "fault" : "ok", hostOf(oidcIssuer), "use its https address"));
  if (records !== null) {
    const { hostname, searchParams } = new URL(records);
    const sealed =
      isHere(hostname) || hostname === "" || /^(require|verify-ca|verify-full)$/.test(searchParams.get("sslmode") ?? "");
    const found = sealed ? "PostgreSQL, by TLS or on this machine" : "rows and digests of tokens cross the network in the clear";
    told.push(finding("records", sealed ? "ok" : "warning", found, "add sslmode=verify-full to the address of the records"));
  }
  return told;
}

const isHere = (hostname: string): boolean => isLoopback(hostname.replace(/^\[|\]$/g, ""));
const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : "no address");
const isClear = (address: string): boolean =>
  URL.canParse(address) && new URL(address).protocol === "http:" && !isHere(new URL(address).hostname);

/** What the records say of users, tokens and keys. */
async function people({ workspace, records }: Config, isOld: IsOld): Promise<Finding[]> {
  const path = join(workspace, "mill.db");
  const nobody = [finding("admins", "ok", OWNER.id)];
  if (records === null && !(await stat(path).catch(() => null))) return nobody;
  try {
    const snapshot = await openSnapshot(records ?? path);
    try {
      if (!snapshot.tables.some(({ name }) => name === "role_grants")) return nobody;
      return [
        await admins(snapshot),
        ...(await tokens(snapshot, isOld)),
        await accessKeys(snapshot, isOld),
        ...(await age(snapshot, isOld)),
      ];
    } finally {
      await snapshot.close();
    }
  } catch (thrown) {
    return [fault("records", thrown)];
  }
}

async function admins(snapshot: Snapshot): Promise<Finding> {
  const granted = await snapshot.query<{ name: string; kind: string; role: string; may: string | null }>(
    `SELECT u.name, u.kind, g.role, r.may FROM users u JOIN role_grants g ON g.holder = u.name LEFT JOIN roles r ON r.name = g.role
      WHERE u.disabled_at IS NULL ORDER BY u.name`,
  );
  const mayAdmin = ({ role, may }: { role: string; may: string | null }) =>
    (Object.hasOwn(ROLES, role) ? ROLES[role as keyof typeof ROLES] : may === null ? [] : (JSON.parse(may) as string[])).includes(
      "admin" as never,
    );
  const found = granted.filter(mayAdmin);
  const programs = found.filter(({ kind }) => kind === "service");
  const names = [...new Set([OWNER.id, ...found.map(({ name }) => name)])].join(", ");
  const fix = programs.map(({ name, role }) => `mill role revoke ${name} ${role}`).join("; ");
  return programs.length > 0
    ? finding("admins", "warning", `${names}; service accounts among them: ${programs.map(({ name }) => name).join(", ")}`, fix)
    : finding("admins", "ok", names);
}

async function tokens(snapshot: Snapshot, isOld: IsOld): Promise<Finding[]> {
  const rows = await snapshot.query<{ id: string; name: string; user: string; createdAt: number; expiresAt: number | null }>(
    `SELECT t.id, t.name, t.actor AS "user", t.created_at AS "createdAt", t.expires_at AS "expiresAt" FROM tokens t
      LEFT JOIN users u ON u.name = t.actor WHERE t.id IS NOT NULL AND t.revoked_at IS NULL AND u.disabled_at IS NULL ORDER BY t.created_at, t.id`,
  );
  const endless = rows.filter(({ expiresAt }) => expiresAt === null);
  const old = rows.filter(({ createdAt, expiresAt }) => isOld(createdAt) && (expiresAt === null || expiresAt > createdAt));
  const named = (some: typeof rows) => some.map(({ name, user }) => `${name} of ${user}`).join(", ");
  const revoke = (some: typeof rows) =>
    `make another with --expires, then ${some.map(({ id }) => `mill token revoke ${id}`).join("; ")}`;
  const told = (what: string, some: typeof rows, none: string) =>
    finding(what, some.length > 0 ? "warning" : "ok", some.length > 0 ? named(some) : none, revoke(some));
  return [told("tokens without an end", endless, "none"), told("old tokens", old, `none of ${rows.length}`)];
}

async function accessKeys(snapshot: Snapshot, isOld: IsOld): Promise<Finding> {
  const rows = await snapshot.query<{ id: string; actor: string; createdAt: number }>(
    `SELECT id, actor, created_at AS "createdAt" FROM access_keys WHERE revoked_at IS NULL ORDER BY created_at, id`,
  );
  const old = rows.filter(({ createdAt }) => isOld(createdAt));
  const found = old.length > 0 ? old.map(({ id, actor }) => `${id} of ${actor}`).join(", ") : `none of ${rows.length}`;
  const fix = `mill key create, then ${old.map(({ id }) => `mill key revoke ${id}`).join("; ")}`;
  return finding("old S3 keys", old.length > 0 ? "warning" : "ok", found, fix);
}

const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
