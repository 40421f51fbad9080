/** People, service accounts, and the roles that say what they may. */
import { boolean, integer, list, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { instant, page, pageOf } from "./nouns.ts";
import { administers, changesOwn, inspects, PERMISSIONS, reads } from "./verb.ts";

const NAME = "^[a-z][a-z0-9-]{0,62}$";
export const userName = text({ pattern: NAME, examples: ["anna"], description: "Name of a user" });
const roleName = text({ pattern: NAME, examples: ["operator"], description: "Name of a role" });
const about = text({ maxLength: 200, description: "What it is for" });
export const permissions = list(oneOf(PERMISSIONS), { minItems: 1, maxItems: PERMISSIONS.length });
const roles = list(roleName, { maxItems: 100 });

const password = text({ pattern: "^[^]{10,}$", maxLength: 200, writeOnly: true, examples: ["ten characters or more"] });

export const whoAmI = reads({
  about: "Say who is asking, and what they may.",
  example: "mill whoami",
  input: object({}),
  output: object({
    actor: text({ description: "Name of the user; `local` and `stranger` have not said who they are" }),
    roles: list(text()),
    may: list(oneOf(PERMISSIONS)),
    token: orNull(text({ description: "Name of the token that limits them" })),
  }),
  http: { method: "GET", path: "/v1/whoami" },
});

export const createUser = administers({
  about: "Make a user: a person, or a service account for a program.",
  example: "mill user create anna --email anna@example.org --roles operator,approver",
  input: object({
    name: userName,
    kind: optional(oneOf(["person", "service"])),
    email: optional(text({ pattern: "^[^@\\s]+@[^@\\s]+$", maxLength: 254, examples: ["anna@example.org"] })),
    displayName: optional(text({ maxLength: 100 })),
    roles: optional(roles),
  }),
  output: object({ name: userName, roles }),
  http: { method: "POST", path: "/v1/users" },
});

export const listUsers = inspects({
  about: "List people and service accounts with their roles.",
  example: "mill user list",
  input: object(page),
  output: pageOf(
    object({
      name: userName,
      kind: oneOf(["person", "service"]),
      email: orNull(text()),
      displayName: text(),
      roles,
      createdAt: orNull(instant),
      disabledAt: orNull(instant),
    }),
  ),
  http: { method: "GET", path: "/v1/users" },
});

export const disableUser = administers({
  about: "Let a user do nothing from now on, by none of its tokens and keys.",
  example: "mill user disable anna",
  input: object({ name: userName }),
  output: object({ name: userName }),
  http: { method: "POST", path: "/v1/users/:name/disable" },
});

export const enableUser = administers({
  about: "Let a disabled user in again, with the roles, tokens and keys it had.",
  example: "mill user enable anna",
  input: object({ name: userName }),
  output: object({ name: userName }),
  http: { method: "POST", path: "/v1/users/:name/enable" },
});

export const setPassword = administers({
  about: "Set the password that a person logs in with at the page; ends the sessions it has.",
  example: "mill user password anna < password.txt",
  input: object({
    name: userName,
    password,
  }),
  output: object({ name: userName }),
  http: { method: "POST", path: "/v1/users/:name/password" },
});

export const changePassword = changesOwn({
  about: "Change one's own password, by the one of now; ends one's other sessions.",
  example: "mill user password",
  input: object({ current: text({ maxLength: 200, writeOnly: true, examples: ["the one of now"] }), password }),
  output: object({ name: userName, ended: integer({ description: "Other sessions that were ended" }) }),
  http: { method: "POST", path: "/v1/password" },
});

export const grantRole = administers({
  about: "Give a user a role.",
  example: "mill role grant anna approver",
  input: object({ name: userName, role: roleName }),
  output: object({ name: userName, roles }),
  http: { method: "POST", path: "/v1/users/:name/roles" },
});

export const revokeRole = administers({
  about: "Take a role away from a user; its tokens and keys lose what came with it.",
  example: "mill role revoke anna approver",
  input: object({ name: userName, role: roleName }),
  output: object({ name: userName, roles }),
  http: { method: "POST", path: "/v1/users/:name/roles/:role/revoke" },
});

export const putRole = administers({
  about: "Make a role of the workspace's own, or change what it allows.",
  example: "mill role set labeller --may read,edit",
  input: object({ name: roleName, may: permissions, about: optional(about) }),
  output: object({ name: roleName, may: permissions }),
  http: { method: "POST", path: "/v1/roles" },
});

export const listRoles = reads({
  about: "List the roles, and what each allows.",
  example: "mill role list",
  input: object(page),
  output: pageOf(
    object({
      name: roleName,
      may: permissions,
      about: text(),
      fixed: boolean({ description: "The same in every workspace" }),
    }),
  ),
  http: { method: "GET", path: "/v1/roles" },
});

export const deleteRole = administers({
  about: "Take away a role of the workspace's own, which nobody has.",
  example: "mill role delete labeller",
  input: object({ name: roleName }),
  output: object({ name: roleName }),
  http: { method: "POST", path: "/v1/roles/:name/delete" },
});
