/** How safely credentials are kept that settings name: whether they are there, how old they are, and until when a token for Slurm is good. */
import { readFile } from "node:fs/promises";
import { type Config, namesSecret, secretsNamed } from "../contract/index.ts";
import type { Snapshot } from "../ports/records/index.ts";
import { type Finding, fault, finding } from "./findings.ts";
import { namedSecrets } from "./named-secrets.ts";

const DAY_MS = 86_400_000;
const ENDS_SOON_MS = 14 * DAY_MS;
/** A token that is made for no longer has somebody who renews it. */
const RENEWED_MS = 2 * DAY_MS;

/** Nothing where none is named; each that is named is opened, and shown nowhere. */
export async function named(config: Config): Promise<Finding[]> {
  const texts = secretsNamed(config);
  if (texts.length === 0) return [];
  const { resolve } = namedSecrets(config);
  const lost: Finding[] = [];
  for (const [at, text] of texts)
    await resolve(text, at).catch((thrown) => lost.push(fault("secrets that settings name", thrown)));
  const found = texts.map(([at, text]) => `${at}: ${text}`).join(", ");
  return lost.length > 0 ? lost : [finding("secrets that settings name", "ok", found)];
}

export async function age(snapshot: Snapshot, isOld: (atMs: number) => boolean): Promise<Finding[]> {
  if (!snapshot.tables.some(({ name }) => name === "secrets")) return [];
  const rows = await snapshot.query<{ name: string; setAt: number }>(`SELECT name, set_at AS "setAt" FROM secrets ORDER BY name`);
  const old = rows.filter(({ setAt }) => isOld(setAt));
  const found = old.length > 0 ? old.map(({ name }) => name).join(", ") : `none of ${rows.length}`;
  const fix = `have them made anew where they are from, then ${old.map(({ name }) => `mill secret set ${name}`).join("; ")}`;
  return [finding("old secrets", old.length > 0 ? "warning" : "ok", found, fix)];
}

/** Nothing where no Slurm is set. */
export async function slurmToken(config: Config, nowMs: number): Promise<Finding[]> {
  const { slurmUrl, slurmTokenFile: from } = config;
  if (slurmUrl === null || from === null) return [];
  const what = "Slurm token";
  const fix = `scontrol token username=USER lifespan=SECONDS, then ${namesSecret(from) ? `mill secret set ${from.slice("secret:".length)}` : `write it into ${from}`}`;
  try {
    const text = await (namesSecret(from) ? namedSecrets(config).resolve(from, "slurmTokenFile") : readFile(from, "utf8"));
    const times = timesOf(text);
    if (times === null) return [finding(what, "fault", "it is no JSON Web Token", fix)];
    if (times.ends === null) return [finding(what, "warning", "it never ends", fix)];
    const found = `until ${new Date(times.ends).toISOString().slice(0, 16).replace("T", " ")} UTC`;
    const isRenewed = times.made !== null && times.ends - times.made <= RENEWED_MS;
    const isSoon = times.ends - nowMs < ENDS_SOON_MS && !isRenewed;
    return [finding(what, times.ends <= nowMs ? "fault" : isSoon ? "warning" : "ok", found, fix)];
  } catch (thrown) {
    return [fault(what, thrown)];
  }
}

/** RFC 7519, `iat` and `exp` in seconds; Slurm alone knows whether the signature holds. null: the text is none. */
function timesOf(text: string): { readonly made: number | null; readonly ends: number | null } | null {
  const [, payload = ""] = text
    .trim()
    .replace(/^SLURM_JWT=/, "")
    .split(".");
  try {
    const { iat, exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iat?: unknown; exp?: unknown };
    const inMs = (seconds: unknown) => (typeof seconds === "number" && Math.abs(seconds) < 1e11 ? seconds * 1000 : null);
    return { made: inMs(iat), ends: inMs(exp) };
  } catch {
    return null;
  }
}
