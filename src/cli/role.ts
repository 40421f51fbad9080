import { type Command, listFlag, textFlag } from "./command.ts";
import { cell, table } from "./table.ts";
import { withRoles } from "./user.ts";

export const list: Command = async ({ output, withVerbs }) => {
  const page = await withVerbs((call) => call("listRoles", { limit: 1000 }));
  output.result(page, () =>
    table(
      ["role", "may", "for"],
      page.items.map(({ name, may, about }) => [name, may.join(", "), cell(about)]),
    ),
  );
  return undefined;
};

export const set: Command = async ({ operands, flags, output, withVerbs }) => {
  const role = await withVerbs((call) =>
    call("putRole", { name: operands[0], may: listFlag(flags, "may") ?? [], about: textFlag(flags, "about") }),
  );
  output.result(role, () => `${role.name} may ${role.may.join(", ")}\n`);
  return undefined;
};

export const remove: Command = async ({ operands, output, withVerbs }) => {
  const { name } = await withVerbs((call) => call("deleteRole", { name: operands[0] }));
  output.result({ name }, () => `${name} is gone\n`);
  return undefined;
};

export const grant: Command = async ({ operands: [name, role], output, withVerbs }) => {
  const user = await withVerbs((call) => call("grantRole", { name, role }));
  output.result(user, () => `${user.name} ${withRoles(user.roles)}\n`);
  return undefined;
};

export const revoke: Command = async ({ operands: [name, role], output, withVerbs }) => {
  const user = await withVerbs((call) => call("revokeRole", { name, role }));
  output.result(user, () => `${user.name} ${withRoles(user.roles)}\n`);
  return undefined;
};
