/** Roles: sets of permissions by name. Those of `ROLES` are the same everywhere; a workspace may add its own. */
import { didYouMean, MillError } from "../../base/index.ts";
import { PERMISSIONS, type Permission, ROLES } from "../../contract/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";

export interface Role {
  readonly name: string;
  readonly may: readonly Permission[];
  readonly about: string;
  /** The same in every workspace. */
  readonly fixed: boolean;
}

export interface Roles {
  /** The fixed ones first, then those of the workspace by name. */
  list(): Promise<readonly Role[]>;
  /** Makes a role, or changes what it allows for everyone who has it. Errors: `guard.role-fixed`. */
  put(role: {
    readonly name: string;
    readonly may: readonly Permission[];
    readonly about: string;
    readonly by: string;
  }): Promise<void>;
  /** Errors: `guard.role-fixed`, `guard.role-unknown`, `guard.role-held` naming who has it. */
  delete(name: string): Promise<void>;
  /** Errors: `guard.role-unknown`. */
  require(names: readonly string[]): Promise<void>;
  /** Keeps a transaction that gives a role to somebody from outliving the role. */
  guard(name: string): readonly Statement[];
}

export interface RolesOptions {
  readonly records: Records;
  readonly now: () => number;
  changed(): void;
}

export function createRoles({ records, now, changed }: RolesOptions): Roles {
  const list = async (): Promise<readonly Role[]> => {
    const rows = await records.query<{ name: string; may: string; about: string }>(
      "SELECT name, may, about FROM roles ORDER BY name",
    );
    return [...FIXED, ...rows.map(({ may, ...row }) => ({ ...row, may: JSON.parse(may) as Permission[], fixed: false }))];
  };

  const requireRoles = async (names: readonly string[]): Promise<void> => {
    const known = (await list()).map(({ name }) => name);
    for (const name of names) if (!known.includes(name)) throw unknownRole(name, known);
  };

  return {
    list,
    require: requireRoles,
    guard: (name) =>
      Object.hasOwn(ROLES, name) ? [] : [{ sql: "UPDATE roles SET about = about WHERE name = ?", params: [name], rows: 1 }],
    async put({ name, may, about, by }) {
      requireOwn(name);
      const permissions = JSON.stringify(PERMISSIONS.filter((permission) => may.includes(permission)));
      await records.commit([
        {
          sql: `INSERT INTO roles (name, may, about, created_at, created_by) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET may = excluded.may, about = excluded.about`,
          params: [name, permissions, about, now(), by],
        },
      ]);
      changed();
    },
    async delete(name) {
      requireOwn(name);
      await requireRoles([name]);
      const { committed } = await records.commit([
        {
          sql: "DELETE FROM roles WHERE name = ? AND NOT EXISTS (SELECT 1 FROM role_grants WHERE role = ?)",
          params: [name, name],
          rows: 1,
        },
      ]);
      if (!committed) throw await held(records, name);
      changed();
    },
  };
}

const ABOUT: Readonly<Record<keyof typeof ROLES, string>> = {
  viewer: "Looks, and asks models.",
  editor: "Changes data and its versions too.",
  operator: "Runs, trains and deploys too.",
  approver: "Looks, asks models, and decides which version is served.",
  admin: "All, and who may.",
};

const FIXED: readonly Role[] = (Object.keys(ROLES) as (keyof typeof ROLES)[]).map((name) => ({
  name,
  may: ROLES[name],
  about: ABOUT[name],
  fixed: true,
}));

function requireOwn(name: string): void {
  if (!Object.hasOwn(ROLES, name)) return;
  throw new MillError("guard.role-fixed", `The role "${name}" is the same in every workspace.`, {
    expected: "a role of this workspace's own",
    got: name,
    fix: "Make one of another name: mill role set NAME --may read,edit",
  });
}

async function held(records: Records, role: string): Promise<MillError> {
  const rows = await records.query<{ holder: string }>("SELECT holder FROM role_grants WHERE role = ? ORDER BY holder LIMIT 10", [
    role,
  ]);
  const holders = rows.map(({ holder }) => holder).join(", ");
  return new MillError("guard.role-held", `The role "${role}" is somebody's: ${holders}.`, {
    expected: "a role that nobody has",
    got: `one of ${holders}`,
    fix: `Take it away from them first: mill role revoke ${rows[0]?.holder ?? "NAME"} ${role}`,
  });
}

const unknownRole = (name: string, known: readonly string[]) =>
  new MillError("guard.role-unknown", `There is no role "${name}".${didYouMean(name, known)}`, {
    expected: known.join(", "),
    got: name,
    fix: "mill role list shows the roles; mill role set NAME --may read,edit makes one.",
  });
