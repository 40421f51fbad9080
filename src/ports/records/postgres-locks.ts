import { createHash } from "node:crypto";

/** Advisory locks are numbers that a whole database shares: one for each purpose and schema. */
export const lockKey = (purpose: "owner" | "writer" | "migrate", schema: string): bigint =>
  createHash("sha256").update(`millwright:${purpose}:${schema}`).digest().readBigInt64BE(0);
