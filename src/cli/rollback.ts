import type { Command } from "./command.ts";

export const command: Command = async ({ operands, output, withVerbs }) => {
  const endpoint = await withVerbs((call) => call("rollback", { name: operands[0] }));
  output.result(endpoint, () => `${endpoint.name} answers with ${endpoint.model} version ${endpoint.version}\n`);
  return undefined;
};
