/**
 * Tokens of attempts at steps. An attempt acts for who asked for its run, within what it was given; its token lives as long as heartbeats extend it, and
 * ends with the attempt or when a later one begins.
 */
import type { Permission } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { type Actor, limited } from "../actors.ts";
import { createFresh } from "../fresh.ts";
import { type Accounts, inForce } from "../people/accounts.ts";
import { endedStepToken, wrongToken } from "./faults.ts";
import { newToken, sha256 } from "./text.ts";

export interface Attempt {
  readonly stepId: string;
  readonly fence: number;
}

export interface StepTokens {
  /** Ends the tokens of earlier attempts at the step. `user` is who asked for the run. Errors: `guard.user-unknown`, `guard.user-disabled`. */
  issueStepToken(
    token: Attempt & { readonly user: string; readonly may: readonly Permission[]; readonly lifeMs: number },
  ): Promise<string>;
  /** Lets it live so long from now on; false: it has ended, or has expired already. */
  extendStepToken(attempt: Attempt & { readonly lifeMs: number }): Promise<boolean>;
  endStepToken(attempt: Attempt): Promise<void>;
}

interface StepTokensOptions {
  readonly records: Records;
  readonly accounts: Pick<Accounts, "find">;
  readonly now: () => number;
}

interface StepBearer {
  bearerOfStep(digest: string): Promise<Actor>;
}

export function createStepTokens({ records, accounts, now }: StepTokensOptions): StepTokens & StepBearer {
  const tokens = createFresh<Row>(async (digest) => {
    const [row] = await records.query<Omit<Row, "may"> & { may: string }>(
      `SELECT step_id AS "stepId", actor AS "user", may, expires_at AS "expiresAt" FROM step_tokens WHERE digest = ?`,
      [digest],
    );
    return row === undefined ? null : { ...row, may: JSON.parse(row.may) as Permission[] };
  }, now);

  return {
    async issueStepToken({ stepId, fence, user, may, lifeMs }) {
      inForce(await accounts.find(user), user);
      const token = newToken("step");
      await records.commit([
        { sql: "DELETE FROM step_tokens WHERE step_id = ? AND fence < ?", params: [stepId, fence] },
        {
          sql: "INSERT INTO step_tokens (digest, step_id, fence, actor, may, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
          params: [sha256(token).toString("hex"), stepId, fence, user, JSON.stringify(may), now() + lifeMs],
          rows: 1,
        },
      ]);
      tokens.forget();
      return token;
    },

    async extendStepToken({ stepId, fence, lifeMs }) {
      const { committed } = await records.commit([
        {
          sql: "UPDATE step_tokens SET expires_at = ? WHERE step_id = ? AND fence = ? AND expires_at > ?",
          params: [now() + lifeMs, stepId, fence, now()],
          rows: 1,
        },
      ]);
      return committed;
    },

    async endStepToken({ stepId, fence }) {
      await records.commit([{ sql: "DELETE FROM step_tokens WHERE step_id = ? AND fence <= ?", params: [stepId, fence] }]);
      tokens.forget();
    },

    async bearerOfStep(digest) {
      let row = await tokens.get(digest);
      if (row !== null && now() >= row.expiresAt) {
        tokens.forget(digest); // a heartbeat may have extended it meanwhile
        row = await tokens.get(digest);
      }
      if (row === null) throw wrongToken();
      if (now() >= row.expiresAt) throw endedStepToken(row.stepId);
      const { actor } = inForce(await accounts.find(row.user), row.user);
      return { ...limited(actor, STEP_TOKEN, row.may), id: `step:${row.stepId}` };
    },
  };
}

const STEP_TOKEN = "of the step";

interface Row {
  readonly stepId: string;
  readonly user: string;
  readonly may: readonly Permission[];
  readonly expiresAt: number;
}
