/** How people log in at the page: a password opens a session, whose cookie stands for them until it ends. */
import type { Records, Statement } from "../../ports/records/index.ts";
import { type Accounts, createAccounts } from "../people/accounts.ts";
import { createPasswords, type Passwords, refused } from "./passwords.ts";
import { createSessions, type Sessions } from "./sessions.ts";

export interface Login extends Pick<Sessions, "find" | "end" | "requireCsrf"> {
  /** `cookie` opens the session, `csrf` is sent beside it with what changes something. Errors: as `Passwords.check`. */
  begin(login: Parameters<Passwords["check"]>[0]): Promise<{ readonly cookie: string; readonly csrf: string }>;
  /** A session of somebody whom another door let in. */
  enter(user: string): Promise<{ readonly cookie: string; readonly csrf: string }>;
  csrfOf: Sessions["csrfOf"];
  /** Ends the user's sessions. Errors: as `Passwords.set`. */
  setPassword(user: string, password: string): Promise<void>;
}

export interface LoginOptions {
  readonly records: Records;
  readonly accounts?: Pick<Accounts, "find">;
  readonly now?: () => number;
}

export function createLogin({ records, now = Date.now, accounts = createAccounts({ records, now }) }: LoginOptions): Login {
  const passwords = createPasswords({ records, accounts, now });
  const { begin, endAll, ...sessions } = createSessions({ records, accounts, now });
  const enter = async (user: string, guard?: Statement) => {
    const cookie = await begin(user, guard);
    if (cookie === null) throw refused(); // the password was set anew meanwhile
    return { cookie, csrf: sessions.csrfOf(cookie) };
  };
  return {
    ...sessions,
    enter: (user) => enter(user),
    async begin(login) {
      const { actor, guard } = await passwords.check(login);
      return enter(actor.id, guard);
    },
    async setPassword(user, password) {
      await passwords.set(user, password);
      await endAll(user);
    },
  };
}
