/** Who is known here: people and service accounts by name, with the permissions that their roles give them at this moment. */
import { MillError } from "../../base/index.ts";
import { PERMISSIONS, type Permission, ROLES } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { type Actor, OWNER } from "../actors.ts";
import { createFresh } from "../fresh.ts";
import { createRoles, type Roles } from "./roles.ts";
import { createUsers, type Users } from "./users.ts";

export interface Account {
  readonly actor: Actor;
  readonly disabled: boolean;
}

export interface Accounts {
  /** What is changed through these here counts here at once, and in other processes of the same records within five seconds. */
  readonly users: Users;
  readonly roles: Roles;
  /** At once for whom was asked for in the last five seconds, the same object as long as nothing changed; null: there is no such user. */
  find(name: string): Account | null | Promise<Account | null>;
}

export interface AccountsOptions {
  readonly records: Records;
  readonly now?: () => number;
}

export function createAccounts({ records, now = Date.now }: AccountsOptions): Accounts {
  const accounts = createFresh<Account>(async (name, before) => {
    const rows = await records.query<AccountRow>(
      `SELECT u.disabled_at AS "disabledAt", g.role, r.may FROM users u
        LEFT JOIN role_grants g ON g.holder = u.name LEFT JOIN roles r ON r.name = g.role WHERE u.name = ? ORDER BY g.role`,
      [name],
    );
    return rows.length === 0 ? null : unlessSame(accountOf(name, rows), before);
  }, now);
  const roles = createRoles({ records, now, changed: () => accounts.forget() });
  return {
    roles,
    users: createUsers({ records, now, roles, changed: accounts.forget }),
    find: (name) => (name === OWNER.id ? THE_OWNER : accounts.get(name)),
  };
}

/** The account, if it is one that may do anything. */
export function inForce(account: Account | null, name: string): Account {
  if (account === null)
    throw new MillError("guard.user-unknown", `There is no user "${name}".`, {
      got: name,
      fix: "mill user list shows the users.",
    });
  if (!account.disabled) return account;
  throw new MillError("guard.user-disabled", `The user "${name}" is disabled.`, {
    got: name,
    fix: `Ask someone with admin to run: mill user enable ${name}`,
  });
}

/** Who cannot be disabled gives nobody else a way in: an admin who is sent away would keep it. */
export function requireOwner(user: string, actor: string): void {
  if (user !== OWNER.id || actor === OWNER.id) return;
  throw new MillError(
    "guard.not-permitted",
    `Tokens, keys and the password of the owner of the workspace are the owner's alone to make; you are ${actor}.`,
    {
      expected: OWNER.id,
      got: actor,
      fix: "Name another user, or run the command where the workspace is.",
    },
  );
}

const THE_OWNER: Account = { actor: OWNER, disabled: false };

interface AccountRow {
  readonly disabledAt: number | null;
  readonly role: string | null;
  readonly may: string | null;
}

function accountOf(name: string, rows: readonly AccountRow[]): Account {
  const granted = rows.flatMap(({ role, may }) => (role === null ? [] : [{ role, may: permissionsOf(role, may) }]));
  const may = new Set(granted.flatMap((grant) => grant.may));
  const actor = {
    id: name,
    roles: granted.map(({ role }) => role),
    may: new Set(PERMISSIONS.filter((permission) => may.has(permission))),
  };
  return { actor, disabled: rows[0]!.disabledAt !== null };
}

const permissionsOf = (role: string, own: string | null): readonly Permission[] =>
  Object.hasOwn(ROLES, role) ? ROLES[role as keyof typeof ROLES] : own === null ? [] : (JSON.parse(own) as Permission[]);

function unlessSame(account: Account, before: Account | undefined): Account {
  const textOf = ({ actor, disabled }: Account) => JSON.stringify([actor.roles, [...actor.may], disabled]);
  return before !== undefined && textOf(before) === textOf(account) ? before : account;
}
