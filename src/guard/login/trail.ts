/**
 * What the audit tells of logins: who came in, by which door, from where, and who left; who was refused, and why. Refusals anybody can cause, without end: after
 * a hundred at once a row comes for one a minute, and the next row of a login says how many had none. A name that nobody has is not written down: people type
 * their password there.
 */
import { asMillError, type Json } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { OWNER, STRANGER } from "../actors.ts";
import type { Audit } from "../audit/audit.ts";

export type LoginDoor = "password" | "oidc";

export interface LoginTrail {
  entered(user: string, from: { readonly by: LoginDoor; readonly address: string }): Promise<void>;
  /** `user` is who was claimed. Never fails: who is refused is told why, whatever the audit says. */
  refused(error: unknown, from: { readonly by: LoginDoor; readonly address: string; readonly user?: string }): Promise<void>;
  left(user: string): Promise<void>;
}

export interface LoginTrailOptions {
  readonly records: Pick<Records, "query">;
  readonly audit: Pick<Audit, "record">;
  readonly now: () => number;
}

const REFUSALS_AT_ONCE = 100;
const REFUSAL_EVERY_MS = 60_000;

export function createLoginTrail({ records, audit, now }: LoginTrailOptions): LoginTrail {
  let [room, atMs, untold] = [REFUSALS_AT_ONCE, now(), 0];

  const record = async (
    actor: string,
    verb: string,
    target: string | null,
    outcome: string,
    detail: Readonly<Record<string, Json>>,
  ) => {
    const missed = untold;
    untold = 0;
    await audit
      .record({ actor, verb, target, outcome, detail: missed === 0 ? detail : { ...detail, refusalsWithoutRow: missed } })
      .catch((error) => {
        untold += missed;
        throw error;
      });
  };
  const hasRoom = (): boolean => {
    room = Math.min(REFUSALS_AT_ONCE, room + Math.max(0, now() - atMs) / REFUSAL_EVERY_MS);
    atMs = now();
    if (room < 1) return false;
    room--;
    return true;
  };
  /** Asked for every name alike, so that the time it takes tells nothing. */
  const isKnown = async (name: string): Promise<boolean> => {
    const rows = await records.query<{ name: string }>("SELECT name FROM users WHERE name = ?", [name]);
    return rows.length > 0 || name === OWNER.id;
  };

  return {
    entered: (user, from) => record(user, "login", user, "done", { ...from }),
    async refused(error, { user = "", ...from }) {
      if (!hasRoom()) {
        untold++;
        return;
      }
      const { code } = asMillError(error);
      try {
        await record(STRANGER.id, "login", (await isKnown(user)) ? user : null, `refused ${code}`, { ...from });
      } catch {
        untold++;
      }
    },
    left: (user) => record(user, "logout", user, "done", {}),
  };
}
