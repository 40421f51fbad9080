import { userInfo } from "node:os";
import { MillError } from "../../../base/index.ts";
import { type Config, namesSecret } from "../../../contract/index.ts";
import type { DoorOptions } from "./door.ts";
import { tokenFromFile, tokenFromText } from "./token.ts";

type Settings = Pick<Config, "on" | "slurmUrl" | "slurmUser" | "slurmTokenFile" | "slurmPartition" | "slurmPlainHttp">;

/** Gives what `secret:NAME` stands for; `at` is the setting. */
interface NamedSecrets {
  resolve(text: string, at: string): Promise<string>;
}

/** null: no Slurm is set. Errors: `config.value`. */
export function configuredSlurm(
  config: Settings,
  secrets: NamedSecrets,
): (DoorOptions & { readonly partition: string | null }) | null {
  if (config.slurmUrl === null && config.on === "local") return null;
  const url = required(config.slurmUrl, "MILL_SLURM_URL", "http://127.0.0.1:6820");
  const token = required(config.slurmTokenFile, "MILL_SLURM_TOKEN_FILE", "/run/mill/slurm-token");
  return {
    url,
    user: config.slurmUser ?? userInfo().username,
    token: namesSecret(token) ? tokenFromText(() => secrets.resolve(token, "slurmTokenFile")) : tokenFromFile(token),
    partition: config.slurmPartition,
    allowPlainHttp: config.slurmPlainHttp,
  };
}

function required(value: string | null, variable: string, example: string): string {
  if (value !== null) return value;
  throw new MillError("config.value", `Steps cannot run on Slurm without ${variable}.`, {
    at: variable,
    expected: `as in ${example}`,
    fix: `Set ${variable}, or run steps locally.`,
  });
}
