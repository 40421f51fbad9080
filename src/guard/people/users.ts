/** People and service accounts. A name stands in the audit for good, so that users are disabled and never removed. */
import { didYouMean, MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { OWNER, RESERVED } from "../actors.ts";
import type { Roles } from "./roles.ts";

export interface User {
  readonly name: string;
  readonly kind: "person" | "service";
  readonly email: string | null;
  readonly displayName: string;
  readonly roles: readonly string[];
  /** null: since the workspace was made. */
  readonly createdAt: number | null;
  readonly disabledAt: number | null;
}

export interface NewUser extends Pick<User, "name" | "kind" | "email" | "displayName" | "roles"> {
  readonly by: string;
}

export interface Users {
  /** Errors: `guard.user-exists`, `guard.role-unknown`. */
  create(user: NewUser): Promise<void>;
  /** By name, the owner of the workspace first. */
  list(): Promise<readonly User[]>;
  /** A disabled user may nothing, by no token and no key, until it is enabled again. Errors: `guard.user-unknown`, `guard.owner-stays`. */
  setDisabled(name: string, disabled: boolean): Promise<void>;
  /** Gives the roles that the user has then. Errors: `guard.user-unknown`, `guard.role-unknown`, `guard.owner-stays`. */
  grant(name: string, role: string, by: string): Promise<readonly string[]>;
  /** Gives the roles that the user has left; none is lost where it did not have the role. Errors: as `grant`. */
  revoke(name: string, role: string): Promise<readonly string[]>;
  /** The user then has these of the roles that `by` has given, and those that others gave. Errors: as `grant`. */
  setGranted(name: string, roles: readonly string[], by: string): Promise<{ given: readonly string[]; taken: readonly string[] }>;
}

export interface UsersOptions {
  readonly records: Records;
  readonly now: () => number;
  readonly roles: Pick<Roles, "require" | "guard">;
  changed(name: string): void;
}

export function createUsers({ records, now, roles, changed }: UsersOptions): Users {
  const requireUser = async (name: string): Promise<void> => {
    if (name === OWNER.id) throw ownerStays();
    const known = await records.query<{ name: string }>("SELECT name FROM users ORDER BY name");
    if (!known.some((user) => user.name === name))
      throw unknownUser(
        name,
        known.map((user) => user.name),
      );
  };
  const rolesOf = async (name: string): Promise<readonly string[]> => {
    const rows = await records.query<{ role: string }>("SELECT role FROM role_grants WHERE holder = ? ORDER BY role", [name]);
    return rows.map(({ role }) => role);
  };
  const grantOf = (name: string, role: string, by: string): readonly Statement[] => [
    ...roles.guard(role),
    {
      sql: "INSERT INTO role_grants (holder, role, granted_at, granted_by) VALUES (?, ?, ?, ?) ON CONFLICT (holder, role) DO NOTHING",
      params: [name, role, now(), by],
    },
  ];

  return {
    async create({ name, kind, email, displayName, roles: names, by }) {
      await roles.require(names);
      const { committed } = RESERVED.has(name)
        ? { committed: false }
        : await records.commit([
            {
              sql: `INSERT INTO users (name, kind, email, display_name, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (name) DO NOTHING`,
              params: [name, kind, email, displayName, now(), by],
              rows: 1,
            },
            ...names.flatMap((role) => grantOf(name, role, by)),
          ]);
      if (!committed) {
        await roles.require(names);
        throw userExists(name);
      }
      changed(name);
    },

    async list() {
      const users = await records.query<Omit<User, "roles">>(
        `SELECT name, kind, email, display_name AS "displayName", created_at AS "createdAt", disabled_at AS "disabledAt" FROM users ORDER BY name`,
      );
      const grants = await records.query<{ holder: string; role: string }>("SELECT holder, role FROM role_grants ORDER BY role");
      const byHolder = Map.groupBy(grants, ({ holder }) => holder);
      return [THE_OWNER, ...users.map((user) => ({ ...user, roles: (byHolder.get(user.name) ?? []).map(({ role }) => role) }))];
    },

    async setDisabled(name, disabled) {
      await requireUser(name);
      const since = disabled ? "COALESCE(disabled_at, ?)" : "?";
      await records.commit([
        { sql: `UPDATE users SET disabled_at = ${since} WHERE name = ?`, params: [disabled ? now() : null, name], rows: 1 },
      ]);
      changed(name);
    },

    async grant(name, role, by) {
      await requireUser(name);
      await roles.require([role]);
      const { committed } = await records.commit(grantOf(name, role, by));
      if (!committed) await roles.require([role]);
      changed(name);
      return rolesOf(name);
    },

    async revoke(name, role) {
      await requireUser(name);
      await roles.require([role]);
      await records.commit([{ sql: "DELETE FROM role_grants WHERE holder = ? AND role = ?", params: [name, role] }]);
      changed(name);
      return rolesOf(name);
    },

    async setGranted(name, wanted, by) {
      await requireUser(name);
      await roles.require(wanted);
      const had = await records.query<{ role: string; by: string }>(
        `SELECT role, granted_by AS "by" FROM role_grants WHERE holder = ? ORDER BY role`,
        [name],
      );
      const given = wanted.filter((role) => !had.some((grant) => grant.role === role));
      const taken = had.flatMap((grant) => (grant.by === by && !wanted.includes(grant.role) ? [grant.role] : []));
      if (given.length + taken.length === 0) return { given, taken };
      const { committed } = await records.commit([
        ...given.flatMap((role) => grantOf(name, role, by)),
        ...taken.map((role) => ({
          sql: "DELETE FROM role_grants WHERE holder = ? AND role = ? AND granted_by = ?",
          params: [name, role, by],
        })),
      ]);
      if (!committed) await roles.require(wanted);
      changed(name);
      return { given, taken };
    },
  };
}

const THE_OWNER: User = {
  name: OWNER.id,
  kind: "person",
  email: null,
  displayName: "The owner of the workspace",
  roles: OWNER.roles,
  createdAt: null,
  disabledAt: null,
};

/** So that there is always someone who can let others in again. */
const ownerStays = () =>
  new MillError(
    "guard.owner-stays",
    "The owner of the workspace stays its admin: roles are neither given to it nor taken away.",
    {
      expected: "another user",
      got: OWNER.id,
      fix: "mill token --new replaces the owner's token, where it has come into wrong hands.",
    },
  );

const userExists = (name: string) =>
  new MillError("guard.user-exists", `The name "${name}" is taken.`, {
    expected: "a name that no user has or had",
    got: name,
    fix: RESERVED.has(name)
      ? "Choose another: this one means someone without a name of its own."
      : "mill user list shows the users; mill user enable lets a disabled one in again.",
  });

export const unknownUser = (name: string, known: readonly string[]) =>
  new MillError("guard.user-unknown", `There is no user "${name}".${didYouMean(name, known)}`, {
    got: name,
    fix: "mill user list shows the users; mill user create NAME makes one.",
  });
