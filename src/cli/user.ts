import { type Command, listFlag, textFlag } from "./command.ts";
import { cell, moment, table } from "./table.ts";

export const create: Command = async ({ operands, flags, output, withVerbs }) => {
  const made = await withVerbs((call) =>
    call("createUser", {
      name: operands[0],
      kind: flags.service ? "service" : "person",
      email: textFlag(flags, "email"),
      displayName: textFlag(flags, "display-name"),
      roles: listFlag(flags, "roles"),
    }),
  );
  output.result(made, () => `${made.name} ${withRoles(made.roles)}\n`);
  output.say(`mill token create NAME --user ${made.name} makes a token for it`);
  return undefined;
};

export const list: Command = async ({ output, withVerbs }) => {
  const page = await withVerbs((call) => call("listUsers", { limit: 1000 }));
  output.result(page, () =>
    table(
      ["user", "kind", "roles", "made (UTC)", "disabled (UTC)", "name"],
      page.items.map(({ name, kind, roles, email, displayName, createdAt, disabledAt }) => [
        name,
        kind,
        roles.join(", "),
        moment(createdAt),
        moment(disabledAt),
        cell([displayName, email === null ? "" : `<${email}>`].filter(Boolean).join(" ")),
      ]),
    ),
  );
  return undefined;
};

export const disable: Command = async ({ operands, output, withVerbs }) => {
  const { name } = await withVerbs((call) => call("disableUser", { name: operands[0] }));
  output.result({ name }, () => `${name} may do nothing any more\n`);
  return undefined;
};

/** Typed or from standard input, so that it stands in no history of commands. */
export const password: Command = async (context) => {
  const { operands, output, effects, withVerbs } = context;
  if (operands.length === 0) return ownPassword(context);
  const typed = await effects.secret(`Password of ${operands[0]}: `);
  const { name } = await withVerbs((call) => call("setPassword", { name: operands[0], password: typed }));
  output.result({ name }, () => `${name} logs in with it at /login\n`);
  return undefined;
};

const ownPassword: Command = async ({ output, effects, withVerbs }) => {
  const current = await effects.secret("Your password: ");
  const password = await effects.secret("The new one: ");
  const { name, ended } = await withVerbs((call) => call("changePassword", { current, password }));
  output.result({ name, ended }, () => `${name} has a new password${ended > 0 ? `; ${ended} sessions have ended` : ""}\n`);
  return undefined;
};

export const enable: Command = async ({ operands, output, withVerbs }) => {
  const { name } = await withVerbs((call) => call("enableUser", { name: operands[0] }));
  output.result({ name }, () => `${name} is let in again\n`);
  return undefined;
};

export const whoami: Command = async ({ output, withVerbs }) => {
  const who = await withVerbs((call) => call("whoAmI", {}));
  output.result(who, () => {
    const by = who.token === null ? "" : ` by the token "${who.token}"`;
    return `${who.actor} ${withRoles(who.roles)}: may ${who.may.join(", ") || "nothing"}${by}\n`;
  });
  return undefined;
};

export const withRoles = (roles: readonly string[]): string =>
  roles.length === 0 ? "has no role" : `has the role${roles.length === 1 ? "" : "s"} ${roles.join(", ")}`;
