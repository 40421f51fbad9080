/** How people log in at the page: a password opens a session, whose cookie stands for them until it ends. The audit tells of each. */
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Audit } from "../audit/audit.ts";
import { type Accounts, createAccounts } from "../people/accounts.ts";
import { createPasswords, type Passwords, refused } from "./passwords.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createLoginTrail, type LoginTrail } from "./trail.ts";

export interface Login extends Pick<Sessions, "find" | "requireCsrf"> {
  /** `cookie` opens the session, `csrf` is sent beside it with what changes something. Errors: as `Passwords.check`. */
  begin(login: { readonly user: string; readonly password: string; readonly address: string }): Promise<Begun>;
  /** A session of somebody whom another door let in, from where. */
  enter(user: string, address: string): Promise<Begun>;
  /** Told of somebody whom another door turned away. */
  refused: LoginTrail["refused"];
  end(cookie: string): Promise<void>;
  csrfOf: Sessions["csrfOf"];
  hasPassword: Passwords["has"];
  /** Ends the user's sessions. Errors: as `Passwords.set`. */
  setPassword(user: string, password: string): Promise<void>;
  /** For who knows the one of now; ends the user's sessions but `session`, and gives how many. Errors: as `Passwords.check`. */
  changePassword(change: {
    readonly user: string;
    readonly current: string;
    readonly password: string;
    readonly session?: string | undefined;
  }): Promise<number>;
}

interface Begun {
  readonly cookie: string;
  readonly csrf: string;
}

export interface LoginOptions {
  readonly records: Records;
  readonly audit: Pick<Audit, "record">;
  readonly accounts?: Pick<Accounts, "find">;
  readonly now?: () => number;
}

export function createLogin({
  records,
  audit,
  now = Date.now,
  accounts = createAccounts({ records, now }),
}: LoginOptions): Login {
  const passwords = createPasswords({ records, accounts, now });
  const sessions = createSessions({ records, accounts, now });
  const trail = createLoginTrail({ records, audit, now });

  const open = async (user: string, guard?: Statement): Promise<Begun> => {
    const cookie = await sessions.begin(user, guard);
    if (cookie === null) throw refused(); // the password was set anew meanwhile
    return { cookie, csrf: sessions.csrfOf(cookie) };
  };

  return {
    ...sessions,
    refused: trail.refused,
    hasPassword: passwords.has,
    async enter(user, address) {
      await trail.entered(user, { by: "oidc", address });
      return open(user);
    },
    async begin(login) {
      const { user, address } = login;
      try {
        const { actor, guard } = await passwords.check(login);
        const begun = await open(actor.id, guard);
        await trail.entered(actor.id, { by: "password", address });
        return begun;
      } catch (error) {
        await trail.refused(error, { by: "password", address, user });
        throw error;
      }
    },
    async end(cookie) {
      const user = await sessions.end(cookie);
      if (user !== null) await trail.left(user);
    },
    async setPassword(user, password) {
      await passwords.set(user, password);
      await sessions.endAll(user);
    },
    async changePassword({ user, current, password, session }) {
      const { guard } = await passwords.check({ user, password: current });
      if (!(await passwords.set(user, password, guard))) throw refused(); // it was set anew meanwhile
      return sessions.endAll(user, session);
    },
  };
}
