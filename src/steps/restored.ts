import type { Statement } from "../ports/records/index.ts";

/**
 * What was under way when the rows were copied belongs to the workspace that they were copied from: attempts are let go of without touching their
 * processes, so that `recover` marks them lost, and runs are lost.
 */
export const letGoStatements = (nowMs: number): Statement[] => [
  { sql: "UPDATE attempts SET handle = NULL WHERE ended_at IS NULL" },
  { sql: "UPDATE steps SET lease_until = 0 WHERE state IN ('running', 'queued')" },
  { sql: "UPDATE runs SET state = 'lost', ended_at = ? WHERE state = 'running'", params: [nowMs] },
];
