/** Passwords of people: scrypt (RFC 7914) with a salt of each user's own; the records hold what comes out. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { createQueues, MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Actor } from "../actors.ts";
import { type Accounts, inForce } from "../people/accounts.ts";
import { createThrottle } from "./throttle.ts";

export interface Passwords {
  /** Replaces what was; with a guard only what it stands for, and gives whether it did. Errors: `guard.user-unknown`, `guard.user-disabled`. */
  set(user: string, password: string, guard?: Statement): Promise<boolean>;
  has(user: string): Promise<boolean>;
  /**
   * Who logs in. As slow for a name that does not exist as for one that does. After five failures for a name, or twenty from an address, each further one
   * doubles the wait, to five minutes. Errors: `guard.login-refused`, `guard.login-throttled`, `guard.user-disabled` for who knows the password.
   */
  check(login: { readonly user: string; readonly password: string; readonly address?: string }): Promise<LetIn>;
}

export interface LetIn {
  readonly actor: Actor;
  /** Keeps what is begun for the actor from outliving the password. */
  readonly guard: Statement;
}

export interface PasswordsOptions {
  readonly records: Records;
  readonly accounts: Pick<Accounts, "find">;
  readonly now?: () => number;
}

const FREE_BY_NAME = 5;
const FREE_BY_ADDRESS = 20;
/** Each takes 32 MiB and some 80 ms: one at a time, and not too many behind it. */
const WAITING_MAX = 32;

export function createPasswords({ records, accounts, now = Date.now }: PasswordsOptions): Passwords {
  const byName = createThrottle({ free: FREE_BY_NAME, now });
  const byAddress = createThrottle({ free: FREE_BY_ADDRESS, now });
  const inLine = createQueues();
  let waiting = 0;
  const requireRoom = () => {
    if (waiting >= WAITING_MAX) throw throttled(1_000);
  };
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    requireRoom();
    waiting++;
    return inLine("scrypt", work).finally(() => waiting--);
  };

  return {
    async set(user, password, guard) {
      inForce(await accounts.find(user), user);
      const salt = randomBytes(16);
      const derived = await inTurn(() => derive(password, salt));
      const { committed } = await records.commit([
        ...(guard ? [guard] : []),
        {
          sql: `INSERT INTO passwords (holder, salt, hash, set_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (holder) DO UPDATE SET salt = excluded.salt, hash = excluded.hash, set_at = excluded.set_at`,
          params: [user, salt.toString("base64"), derived.toString("base64"), now()],
        },
      ]);
      return committed;
    },

    has: async (user) => (await records.query("SELECT holder FROM passwords WHERE holder = ?", [user])).length > 0,

    async check({ user, password, address }) {
      const waitMs = Math.max(byName.waitMs(user), address === undefined ? 0 : byAddress.waitMs(address));
      if (waitMs > 0) throw throttled(waitMs);
      requireRoom(); // who finds none has not guessed
      byName.failed(user);
      if (address !== undefined) byAddress.failed(address);
      const hash = await inTurn(async () => {
        const [row] = await records.query<{ salt: string; hash: string }>("SELECT salt, hash FROM passwords WHERE holder = ?", [
          user,
        ]);
        const derived = await derive(password, row === undefined ? NOBODYS_SALT : Buffer.from(row.salt, "base64"));
        return row !== undefined && timingSafeEqual(derived, Buffer.from(row.hash, "base64")) ? row.hash : null;
      });
      if (hash === null) throw refused();
      byName.forget(user);
      if (address !== undefined) byAddress.takeBack(address);
      const { actor } = inForce(await accounts.find(user), user);
      return {
        actor,
        guard: { sql: "UPDATE passwords SET set_at = set_at WHERE holder = ? AND hash = ?", params: [user, hash], rows: 1 },
      };
    },
  };
}

const KEY_BYTES = 32;
const COST: ScryptOptions = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
const NOBODYS_SALT = randomBytes(16);

/** The same characters may be typed as different code points. */
const derive = (password: string, salt: Uint8Array) =>
  new Promise<Buffer>((resolve, reject) =>
    scrypt(password.normalize("NFKC"), salt, KEY_BYTES, COST, (error, key) => (error ? reject(error) : resolve(key))),
  );

export const refused = () =>
  new MillError("guard.login-refused", "The name or the password is wrong.", {
    fix: "Ask someone with admin to set the password: mill user password NAME",
  });

const throttled = (waitMs: number) =>
  new MillError("guard.login-throttled", `Too many logins failed: try again in ${Math.ceil(waitMs / 1000)} s.`, {
    fix: "Wait, or ask someone with admin for a token.",
    retryAfterMs: waitMs,
  });
