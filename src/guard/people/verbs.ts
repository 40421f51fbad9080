import { type Handlers, PERMISSIONS } from "../../contract/index.ts";
import type { Login } from "../login/login.ts";
import { pageBy, toInstant } from "../pages.ts";
import { type Accounts, requireOwner } from "./accounts.ts";

type PeopleVerbs = Pick<
  Handlers,
  | ("whoAmI" | "createUser" | "listUsers" | "disableUser" | "enableUser" | "setPassword" | "changePassword")
  | ("grantRole" | "revokeRole" | "putRole" | "listRoles" | "deleteRole")
>;

export const peopleVerbs = ({ users, roles }: Accounts, login: Pick<Login, "setPassword" | "changePassword">): PeopleVerbs => ({
  whoAmI: async (_, { actor, rights }) => ({
    actor,
    roles: rights.roles,
    may: PERMISSIONS.filter((permission) => rights.may.has(permission)),
    token: rights.token ?? null,
  }),
  async createUser({ name, kind = "person", email = null, displayName = "", roles: names = [] }, { actor }) {
    await users.create({ name, kind, email, displayName, roles: names, by: actor });
    return { name, roles: names };
  },
  async listUsers(asked) {
    const { items, next } = pageBy(await users.list(), ({ name }) => name, asked);
    return {
      items: items.map((user) => ({ ...user, createdAt: toInstant(user.createdAt), disabledAt: toInstant(user.disabledAt) })),
      next,
    };
  },
  async disableUser({ name }) {
    await users.setDisabled(name, true);
    return { name };
  },
  async enableUser({ name }) {
    await users.setDisabled(name, false);
    return { name };
  },
  async setPassword({ name, password }, { actor }) {
    requireOwner(name, actor);
    await login.setPassword(name, password);
    return { name };
  },
  changePassword: async ({ current, password }, { actor, rights }) => ({
    name: actor,
    ended: await login.changePassword({ user: actor, current, password, session: rights.session }),
  }),
  grantRole: async ({ name, role }, { actor }) => ({ name, roles: await users.grant(name, role, actor) }),
  revokeRole: async ({ name, role }) => ({ name, roles: await users.revoke(name, role) }),
  async putRole({ name, may, about = "" }, { actor }) {
    await roles.put({ name, may, about, by: actor });
    return { name, may };
  },
  async listRoles(asked) {
    return pageBy(await roles.list(), ({ name }) => name, asked);
  },
  async deleteRole({ name }) {
    await roles.delete(name);
    return { name };
  },
});
