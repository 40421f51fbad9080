/** Every command; what help says of a verb stands in the verb table. */
import { ACCESS_COMMANDS } from "./access-commands.ts";
import { BACKFILL_COMMANDS } from "./backfill-commands.ts";
import type { CommandInfo } from "./command.ts";
import { EXCHANGE_COMMANDS } from "./exchange-commands.ts";
import { LAKE_COMMANDS } from "./lake/commands.ts";
import { REGISTRY_COMMANDS } from "./registry-commands.ts";
import { UPKEEP_COMMANDS } from "./upkeep-commands.ts";
import { WORK_COMMANDS } from "./work-commands.ts";

export const COMMANDS: Readonly<Record<string, CommandInfo>> = {
  ...WORK_COMMANDS,
  ...BACKFILL_COMMANDS,
  ...LAKE_COMMANDS,
  ...REGISTRY_COMMANDS,
  ...ACCESS_COMMANDS,
  ...EXCHANGE_COMMANDS,
  ...UPKEEP_COMMANDS,
};
