/** What the settings say together: flags win over variables, these over the project's file. */
import { didYouMean, MillError } from "../base/index.ts";
import { namesSecret, secretNamed } from "./secret-name.ts";
import { type ENGINES, flagOf, type LogLevel, type SANDBOXES, SETTINGS, type Setting, type SettingName } from "./settings.ts";

export interface Config {
  readonly project: string;
  readonly workspace: string;
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  readonly threads: number;
  readonly memoryMb: number;
  readonly log: LogLevel;
  /** null: nobody is told. */
  readonly webhook: string | null;
  readonly webhookSecret: string | null;
  readonly webhookPrivate: boolean;
  /** An http or https address, or the path of a file; null: nobody is told. */
  readonly openLineage: string | null;
  readonly openLineageNamespace: string;
  /** A `postgres://` address; null: a file of the workspace. */
  readonly records: string | null;
  /** null: files of the workspace. */
  readonly objects: { readonly bucket: string; readonly prefix: string } | null;
  readonly objectsEndpoint: string | null;
  readonly objectsRegion: string;
  readonly objectsCacheMb: number;
  readonly encrypt: boolean;
  /** Base64; null: the workspace's own keys. */
  readonly key: string | null;
  readonly s3Port: number;
  readonly s3Domain: string | null;
  readonly s3Certificate: string | null;
  readonly s3CertificateKey: string | null;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  readonly oidcIssuer: string | null;
  readonly oidcClient: string | null;
  readonly oidcSecretFile: string | null;
  readonly oidcScope: string;
  readonly oidcGroupsClaim: string;
  /** Pairs of a group and a role. */
  readonly oidcRoles: readonly (readonly [group: string, role: string])[];
  /** Requests a minute; 0: no limit. */
  readonly strangerLimit: number;
  readonly actorLimit: number;
  readonly s3Limit: number;
  /** 0: no access log. */
  readonly accessLogMb: number;
  readonly on: (typeof ENGINES)[number];
  /** How many at one time, by the kind of step; a kind that is not named has no limit. */
  readonly pools: Readonly<Record<string, number>>;
  readonly sandbox: (typeof SANDBOXES)[number];
  readonly python: string;
  /** null: that of the user's cache. */
  readonly pythonFolder: string | null;
  readonly slurmUrl: string | null;
  /** null: the user of this process. */
  readonly slurmUser: string | null;
  readonly slurmTokenFile: string | null;
  /** null: the cluster's own. */
  readonly slurmPartition: string | null;
  readonly slurmPlainHttp: boolean;
  readonly backupPassphrase: string | null;
}

export interface ConfigSources {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Content of `mill.config.json`; `{}` when there is none. */
  readonly file: unknown;
  /** What the defaults rest on. */
  readonly machine: { readonly cores: number; readonly memoryMb: number; readonly cwd: string };
}

/** Pure. Errors: `config.unknown-setting`, `config.value`, each naming the source. */
export function readConfig({ flags, env, file, machine }: ConfigSources): Config {
  const written = readFileSettings(file);
  const find = (name: SettingName): { value: unknown; at: string } | null => {
    const setting: Setting = SETTINGS[name];
    const flag = flagOf(name);
    if (setting.flag && flags[flag] !== undefined) return { value: flags[flag], at: `--${flag}` };
    if (env[setting.env] !== undefined && env[setting.env] !== "") return { value: env[setting.env], at: setting.env };
    if (written[name] !== undefined) return { value: written[name], at: `mill.config.json, "${name}"` };
    return null;
  };
  const integer = (name: SettingName, otherwise: number) => readInteger(name, find(name)) ?? otherwise;
  const text = (name: SettingName) => readText(name, find(name));

  const project = text("project") ?? machine.cwd;
  const port = integer("port", SETTINGS.port.default);
  return {
    project,
    workspace: text("workspace") ?? `${project}/.mill`,
    host: text("host") ?? SETTINGS.host.default,
    port,
    token: text("token"),
    threads: integer("threads", machine.cores),
    memoryMb: integer("memory", Math.max(SETTINGS.memory.min, Math.floor(machine.memoryMb / 2))),
    log: (text("log") ?? SETTINGS.log.default) as LogLevel,
    webhook: text("webhook"),
    webhookSecret: text("webhookSecret"),
    webhookPrivate: (text("webhookPrivate") ?? SETTINGS.webhookPrivate.default) === "yes",
    openLineage: text("openLineage"),
    openLineageNamespace: text("openLineageNamespace") ?? SETTINGS.openLineageNamespace.default,
    records: readRecords(find("records")),
    objects: readObjects(find("objects")),
    objectsEndpoint: text("objectsEndpoint"),
    objectsRegion: text("objectsRegion") ?? SETTINGS.objectsRegion.default,
    objectsCacheMb: integer("objectsCache", SETTINGS.objectsCache.default),
    encrypt: (text("encrypt") ?? SETTINGS.encrypt.default) === "yes",
    key: text("key"),
    s3Port: integer("s3Port", port === 0 ? 0 : Math.min(port + 1, 65_535)),
    s3Domain: text("s3Domain"),
    s3Certificate: text("s3Certificate"),
    s3CertificateKey: text("s3CertificateKey"),
    tlsCert: text("tlsCert"),
    tlsKey: text("tlsKey"),
    oidcIssuer: text("oidcIssuer"),
    oidcClient: text("oidcClient"),
    oidcSecretFile: text("oidcSecretFile"),
    oidcScope: text("oidcScope") ?? SETTINGS.oidcScope.default,
    oidcGroupsClaim: text("oidcGroupsClaim") ?? SETTINGS.oidcGroupsClaim.default,
    oidcRoles: readRoles(find("oidcRoles")),
    strangerLimit: integer("strangerLimit", SETTINGS.strangerLimit.default),
    actorLimit: integer("actorLimit", SETTINGS.actorLimit.default),
    s3Limit: integer("s3Limit", SETTINGS.s3Limit.default),
    accessLogMb: integer("accessLog", SETTINGS.accessLog.default),
    on: (text("on") ?? SETTINGS.on.default) as Config["on"],
    pools: readPools(find("pools")),
    sandbox: (text("sandbox") ?? SETTINGS.sandbox.default) as Config["sandbox"],
    python: text("python") ?? SETTINGS.python.default,
    pythonFolder: text("pythonFolder"),
    slurmUrl: text("slurmUrl"),
    slurmUser: text("slurmUser"),
    slurmTokenFile: text("slurmTokenFile"),
    slurmPartition: text("slurmPartition"),
    slurmPlainHttp: (text("slurmPlainHttp") ?? SETTINGS.slurmPlainHttp.default) === "yes",
    backupPassphrase: text("backupPassphrase"),
  };
}

/** What settings name, each with the text that names it. */
export const secretsNamed = (config: Config): readonly (readonly [at: string, text: string])[] =>
  Object.entries<Setting>(SETTINGS).flatMap(([name, { secret }]) => {
    const text = secret ? config[name as keyof Config] : null;
    return typeof text === "string" && namesSecret(text) ? [[name, text] as const] : [];
  });

/** null: neither is set. Errors: `config.value` where one is without the other. */
export function tlsFiles({
  tlsCert,
  tlsKey,
}: Pick<Config, "tlsCert" | "tlsKey">): { readonly cert: string; readonly key: string } | null {
  if (tlsCert !== null && tlsKey !== null) return { cert: tlsCert, key: tlsKey };
  if (tlsCert === tlsKey) return null;
  const missing = tlsCert === null ? "tlsCert" : "tlsKey";
  throw new MillError("config.value", `A certificate and its key come together: the setting "${missing}" is missing.`, {
    at: `--${flagOf(missing)}`,
    expected: "both --tls-cert and --tls-key, or neither",
    fix: "Name the other file as well.",
  });
}

function readRecords(found: Found): string | null {
  const address = readText("records", found);
  if (address === null || /^postgres(ql)?:\/\/[^/]/.test(address)) return address;
  throw badValue("records", found!, "an address as in postgres://USER@HOST/DATABASE");
}

function readObjects(found: Found): Config["objects"] {
  const address = readText("objects", found);
  if (address === null) return null;
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? [];
  if (bucket !== undefined) return { bucket, prefix: prefix.replace(/\/+$/, "") };
  throw badValue("objects", found!, "an address as in s3://BUCKET/PREFIX");
}

function readPools(found: Found): Config["pools"] {
  const pools = (readText("pools", found) ?? "").split(",").filter((one) => one.trim() !== "");
  const entries = pools.map((one) => /^\s*([a-z][a-z0-9-]*)\s*=\s*([1-9]\d{0,3})\s*$/.exec(one));
  const named = entries.map((entry) => [entry?.[1] ?? "", Number(entry?.[2])] as const);
  if (!entries.includes(null) && new Set(named.map(([kind]) => kind)).size === named.length) return Object.fromEntries(named);
  throw badValue("pools", found!, "kinds of steps, each once, with how many may run (1 to 9999), as in train=1,ingest=2");
}

function readRoles(found: Found): Config["oidcRoles"] {
  const pairs = (readText("oidcRoles", found) ?? "").split(",").flatMap((pair) => (pair.trim() === "" ? [] : [pair.trim()]));
  return pairs.map((pair) => {
    const [, group, role] = /^(.+)=([a-z][a-z0-9-]*)$/.exec(pair) ?? [];
    if (group === undefined || role === undefined)
      throw badValue("oidcRoles", found!, "pairs as in data-team=editor,leads=admin");
    return [group, role];
  });
}

function readFileSettings(file: unknown): Readonly<Record<string, unknown>> {
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    throw new MillError("config.value", "mill.config.json must hold one JSON object.", {
      at: "mill.config.json",
      expected: '{"port": 4747}, for example',
      fix: "Write the settings as fields of one object.",
    });
  }
  const allowed = Object.entries<Setting>(SETTINGS).flatMap(([name, { file, secret }]) => (file || secret ? [name] : []));
  const stranger = Object.keys(file).find((name) => !allowed.includes(name));
  const written = Object.entries(file).find(
    ([name, value]) => !stranger && !SETTINGS[name as SettingName].file && !namesSecret(String(value)),
  );
  if (written)
    throw new MillError("config.value", `mill.config.json may name the secret for "${written[0]}", and not hold it.`, {
      at: `mill.config.json, "${written[0]}"`,
      expected: "secret:NAME",
      fix: `mill secret set NAME, which asks for it, or ${SETTINGS[written[0] as SettingName].env}.`,
    });
  if (stranger === undefined) return file as Record<string, unknown>;
  throw new MillError(
    "config.unknown-setting",
    `mill.config.json has no setting "${stranger}".${didYouMean(stranger, allowed)}`,
    {
      at: "mill.config.json",
      expected: allowed.join(", "),
      got: stranger,
      fix: "Correct the name, or take it out.",
    },
  );
}

type Found = { readonly value: unknown; readonly at: string } | null;

function readInteger(name: SettingName, found: Found): number | null {
  if (found === null) return null;
  const { min, max }: Setting = SETTINGS[name];
  const value = typeof found.value === "string" && /^\d+$/.test(found.value) ? Number(found.value) : found.value;
  if (typeof value === "number" && Number.isInteger(value) && value >= min! && value <= max!) return value;
  throw badValue(name, found, `an integer from ${min} to ${max}`);
}

function readText(name: SettingName, found: Found): string | null {
  if (found === null) return null;
  const { values, secret }: Setting = SETTINGS[name];
  const { value } = found;
  if (typeof value === "string" && namesSecret(value) && (!secret || secretNamed(value) === null))
    throw badValue(
      name,
      found,
      secret ? "secret:NAME, in lower case" : "written out: it is needed where secrets are not yet open",
    );
  if (typeof value === "string" && value !== "" && (values === undefined || values.includes(value))) return value;
  throw badValue(name, found, values ? `one of ${values.join(", ")}` : "a text");
}

/** Many receivers put theirs into the address. */
const SECRET: readonly SettingName[] = ["token", "webhook", "webhookSecret", "openLineage", "records", "key", "backupPassphrase"];

function badValue(name: SettingName, { value, at }: NonNullable<Found>, expected: string): MillError {
  const got = JSON.stringify(value).slice(0, 60);
  return new MillError("config.value", `The setting "${name}" must be ${expected}.`, {
    at,
    expected,
    ...(SECRET.includes(name) ? {} : { got }),
    fix: `Correct ${at}, or leave it out.`,
  });
}
