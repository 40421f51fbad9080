/** Parts of the platform as the settings have them. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { didYouMean, MillError } from "./base/index.ts";
import { type Config, SETTINGS, tlsFiles } from "./contract/index.ts";
import { type Certificate, createOidcLogin, type OidcLogin, type OidcLoginOptions, openCertificate } from "./guard/index.ts";
import { STEP_KINDS } from "./orchestrate/index.ts";

/** The S3 door's own certificate, else the server's; null: it speaks http. Errors: `config.value`. */
export async function s3Certificate(config: Config, onFault: (message: string) => void): Promise<Certificate | null> {
  const { s3Certificate: cert, s3CertificateKey: key } = config;
  const files = cert !== null && key !== null ? { cert, key } : tlsFiles(config);
  return files && openCertificate(files, { onFault: ({ message }) => onFault(message) });
}

/** null: none is wanted. Errors: `config.value`. */
export function configuredOidc(
  config: Config,
  doors: Pick<OidcLoginOptions, "accounts" | "audit" | "login" | "secrets" | "records">,
): OidcLogin | null {
  const { oidcIssuer: issuer, oidcClient: client, oidcSecretFile: secretFile, oidcScope: scope, oidcRoles: roles } = config;
  if (issuer === null) return null;
  const missing = client === null ? "oidcClient" : secretFile === null ? "oidcSecretFile" : null;
  if (client !== null && secretFile !== null)
    return createOidcLogin({ ...doors, issuer, client, secretFile, scope, groupsClaim: config.oidcGroupsClaim, roles });
  throw new MillError("config.value", `A login at an OpenID provider needs the setting "${missing}" as well.`, {
    at: SETTINGS[missing!].env,
    expected: "oidcIssuer, oidcClient and oidcSecretFile together",
    fix: "Set it as the provider has it, or leave oidcIssuer out.",
  });
}

/** The user's own: environments are shared by all of a user's workspaces on a machine. */
export function configuredPython(
  { project, python, pythonFolder }: Pick<Config, "project" | "python" | "pythonFolder">,
  environment: NodeJS.ProcessEnv,
): { readonly folder: string; readonly python: string } {
  const caches = environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = pythonFolder === null ? join(caches, "millwright", "python") : resolve(project, pythonFolder);
  return { folder, python: python.includes("/") ? resolve(project, python) : python };
}

/** Errors: `config.value`. */
export function configuredPools({ pools }: Config): Config["pools"] {
  const kinds = STEP_KINDS.map(({ name }) => name);
  const stranger = Object.keys(pools).find((pool) => !kinds.includes(pool));
  if (stranger === undefined) return pools;
  throw new MillError("config.value", `The setting "pools" names no kind of step: ${stranger}.${didYouMean(stranger, kinds)}`, {
    at: "MILL_POOLS",
    expected: kinds.join(", "),
    got: stranger,
    fix: "Correct the name, or take it out.",
  });
}
