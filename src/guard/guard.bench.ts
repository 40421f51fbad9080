/** What asking for permission costs a request: who bears the token, and whether its verb is allowed. Processor time, so that others at work count less. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../ports/records/index.ts";
import { createAccessKeys, createAccounts, mayDo, openKeyring, openTokens } from "./index.ts";

const CHECKS = 200_000;
const CHECK_MAX_US = 20;
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
const records = await openSqlite(join(folder, "mill.db"));
const accounts = createAccounts({ records });
const tokens = await openTokens({ records, workspace: folder, accounts });
const keys = createAccessKeys({ records, accounts, keyring: await openKeyring(folder) });
await accounts.users.create({ name: "ci", kind: "service", email: null, displayName: "", roles: ["operator"], by: "owner" });
const { token } = await tokens.create({ name: "bench", user: "ci", may: ["read", "predict"], expiresAt: null });
const key = await keys.create({ actor: "ci", may: ["read"], about: "" });

async function perCheck(label: string, check: () => Promise<unknown> | unknown, maxUs = CHECK_MAX_US): Promise<void> {
  for (let warm = 0; warm < 20_000; warm++) await check();
  const before = process.cpuUsage();
  for (let index = 0; index < CHECKS; index++) await check();
  const { user, system } = process.cpuUsage(before);
  const us = (user + system) / CHECKS;
  console.log(`${label.padEnd(40)} ${us.toFixed(2).padStart(7)} us a check${us < maxUs ? "" : `, at most ${maxUs} wanted`}`);
}

const allowed = async (presented: string) => {
  if (!mayDo(await tokens.bearer(presented), "read")) throw new Error("was to be allowed");
};
const actor = await tokens.bearer(token);
await perCheck("permission of a known actor", () => mayDo(actor, "read"));
await perCheck("admin token, then permission", () => allowed(tokens.current()));
await perCheck("token of a user, then permission", () => allowed(token));
await perCheck("key of an S3 client, then permission", async () => mayDo((await keys.find(key.id))!.actor, "read"));
await perCheck("for comparison: one query of the records", () => records.query("SELECT 1"), Infinity);
await records.close();
rmSync(folder, { recursive: true, force: true });
