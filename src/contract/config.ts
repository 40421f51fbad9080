/** Every setting once: flag, `MILL_*` variable, key of `mill.config.json`, default. Flags win over variables, these over the file. */
import { didYouMean, MillError } from "../base/index.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const ENGINES = ["local", "slurm"] as const;
export const SANDBOXES = ["none", "auto", "bubblewrap"] as const;

interface Setting {
  readonly about: string;
  readonly type: "integer" | "text";
  readonly env: string;
  /** Not in the file: it says where the file is, or it is a secret. */
  readonly file: boolean;
  /** Not a flag: a secret on a command line is seen by every user of the machine. */
  readonly flag: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
  /** In words where the machine decides. */
  readonly default: number | string | null;
}

export const SETTINGS = {
  project: {
    about: "Folder with mill.ts.",
    type: "text",
    env: "MILL_PROJECT",
    file: false,
    flag: true,
    default: "the current folder",
  },
  workspace: {
    about: "Folder for everything that Millwright keeps.",
    type: "text",
    env: "MILL_WORKSPACE",
    file: true,
    flag: true,
    default: ".mill in the project",
  },
  host: { about: "Address to serve on.", type: "text", env: "MILL_HOST", file: true, flag: true, default: "127.0.0.1" },
  port: {
    about: "Port to serve on; 0 picks a free one.",
    type: "integer",
    env: "MILL_PORT",
    file: true,
    flag: true,
    min: 0,
    max: 65535,
    default: 4747,
  },
  token: {
    about: "Admin token, instead of the one in the workspace.",
    type: "text",
    env: "MILL_TOKEN",
    file: false,
    flag: false,
    default: null,
  },
  threads: {
    about: "Threads that steps may use.",
    type: "integer",
    env: "MILL_THREADS",
    file: true,
    flag: true,
    min: 1,
    max: 1024,
    default: "the cores",
  },
  memory: {
    about: "Megabytes that steps may use together.",
    type: "integer",
    env: "MILL_MEMORY",
    file: true,
    flag: true,
    min: 256,
    max: 100_000_000,
    default: "half of the machine's",
  },
  log: {
    about: "Least serious log line to write.",
    type: "text",
    env: "MILL_LOG",
    file: true,
    flag: true,
    values: LOG_LEVELS,
    default: "info",
  },
  webhook: {
    about: "Address that alerts are posted to, signed as Standard Webhooks says.",
    type: "text",
    env: "MILL_WEBHOOK",
    file: true,
    flag: true,
    default: "nobody is told",
  },
  webhookSecret: {
    about: "Secret that the posts to the webhook are signed with.",
    type: "text",
    env: "MILL_WEBHOOK_SECRET",
    file: false,
    flag: false,
    default: null,
  },
  webhookPrivate: {
    about: "Whether the webhook may lie on this machine or in a private network: yes or no.",
    type: "text",
    env: "MILL_WEBHOOK_PRIVATE",
    file: true,
    flag: false,
    values: ["yes", "no"],
    default: "no",
  },
  openLineage: {
    about: "Where OpenLineage events of runs and steps go: an address, signed like the webhook's, or a file (NDJSON).",
    type: "text",
    env: "MILL_OPENLINEAGE",
    file: true,
    flag: true,
    default: "nobody is told",
  },
  openLineageNamespace: {
    about: "Namespace of the jobs and data sets in them.",
    type: "text",
    env: "MILL_OPENLINEAGE_NAMESPACE",
    file: true,
    flag: true,
    default: "millwright",
  },
  records: {
    about: "Where rows are kept: postgres://USER@HOST/DATABASE?schema=NAME.",
    type: "text",
    env: "MILL_RECORDS",
    file: true,
    flag: false,
    default: "mill.db in the workspace",
  },
  objects: {
    about: "Where objects are kept: s3://BUCKET/PREFIX; the keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    type: "text",
    env: "MILL_OBJECTS",
    file: true,
    flag: true,
    default: "objects in the workspace",
  },
  objectsEndpoint: {
    about: "Address of the S3 server that keeps the objects.",
    type: "text",
    env: "MILL_OBJECTS_ENDPOINT",
    file: true,
    flag: true,
    default: "that of AWS",
  },
  objectsRegion: {
    about: "Region of that server.",
    type: "text",
    env: "MILL_OBJECTS_REGION",
    file: true,
    flag: true,
    default: "us-east-1",
  },
  objectsCache: {
    about: "Megabytes of objects kept on this machine's disk when they are on S3.",
    type: "integer",
    env: "MILL_OBJECTS_CACHE",
    file: true,
    flag: true,
    min: 16,
    max: 100_000_000,
    default: 10_240,
  },
  encrypt: {
    about: "Whether objects are encrypted where they are kept: yes or no.",
    type: "text",
    env: "MILL_ENCRYPT",
    file: true,
    flag: true,
    values: ["yes", "no"],
    default: "no",
  },
  key: {
    about: "Key that secrets and encrypted objects are sealed under, 32 bytes as base64, instead of those in the workspace.",
    type: "text",
    env: "MILL_KEY",
    file: false,
    flag: false,
    default: null,
  },
  s3Port: {
    about: "Port of the S3 door; 0 picks a free one.",
    type: "integer",
    env: "MILL_S3_PORT",
    file: true,
    flag: true,
    min: 0,
    max: 65535,
    default: "one above the port",
  },
  s3Domain: {
    about: "Domain of which buckets are subdomains, for clients that address them so.",
    type: "text",
    env: "MILL_S3_DOMAIN",
    file: true,
    flag: true,
    default: null,
  },
  s3Certificate: {
    about: "PEM file of the certificate chain with which the S3 door speaks https.",
    type: "text",
    env: "MILL_S3_CERTIFICATE",
    file: true,
    flag: true,
    default: "it speaks http",
  },
  s3CertificateKey: {
    about: "PEM file of that certificate's key.",
    type: "text",
    env: "MILL_S3_CERTIFICATE_KEY",
    file: true,
    flag: true,
    default: null,
  },
  tlsCert: {
    about: "PEM file of the certificate chain with which the server and the S3 door speak https; read again when it changes.",
    type: "text",
    env: "MILL_TLS_CERT",
    file: true,
    flag: true,
    default: "they speak http",
  },
  tlsKey: {
    about: "PEM file of that certificate's key.",
    type: "text",
    env: "MILL_TLS_KEY",
    file: true,
    flag: true,
    default: null,
  },
  oidcIssuer: {
    about: "Address of the OpenID provider with which people log in; https unless it is on this machine.",
    type: "text",
    env: "MILL_OIDC_ISSUER",
    file: true,
    flag: false,
    default: "people log in with passwords alone",
  },
  oidcClient: {
    about: "Client id that the provider knows Millwright by.",
    type: "text",
    env: "MILL_OIDC_CLIENT",
    file: true,
    flag: false,
    default: null,
  },
  oidcSecretFile: {
    about: "File that holds the client's secret; read at each login.",
    type: "text",
    env: "MILL_OIDC_SECRET_FILE",
    file: true,
    flag: false,
    default: null,
  },
  oidcScope: {
    about: "What the provider is asked to tell of who logs in.",
    type: "text",
    env: "MILL_OIDC_SCOPE",
    file: true,
    flag: false,
    default: "openid email profile",
  },
  oidcGroupsClaim: {
    about: "Claim with the groups of who logs in.",
    type: "text",
    env: "MILL_OIDC_GROUPS_CLAIM",
    file: true,
    flag: false,
    default: "groups",
  },
  oidcRoles: {
    about: "Roles that members of groups have, and that make a user of who has none yet, as in data-team=editor,leads=admin.",
    type: "text",
    env: "MILL_OIDC_ROLES",
    file: true,
    flag: false,
    default: "only users whose address is known log in",
  },
  strangerLimit: {
    about:
      "Requests a minute that an address may send without a token that holds, where the server is bound off this machine; 0 is no limit.",
    type: "integer",
    env: "MILL_STRANGER_LIMIT",
    file: true,
    flag: true,
    min: 0,
    max: 1_000_000,
    default: 600,
  },
  actorLimit: {
    about: "Requests a minute, other than predictions and events, that a user may send; 0 is no limit.",
    type: "integer",
    env: "MILL_ACTOR_LIMIT",
    file: true,
    flag: true,
    min: 0,
    max: 10_000_000,
    default: 12_000,
  },
  accessLog: {
    about: "Megabytes of the access log that are kept in the workspace; 0 writes none.",
    type: "integer",
    env: "MILL_ACCESS_LOG",
    file: true,
    flag: true,
    min: 0,
    max: 1_000_000,
    default: 64,
  },
  on: {
    about: "Where steps run: on this machine (local) or on a Slurm cluster (slurm).",
    type: "text",
    env: "MILL_ON",
    file: true,
    flag: true,
    values: ENGINES,
    default: "local",
  },
  pools: {
    about: "How many steps of a kind run at one time, over all runs, as in train=1,ingest=2.",
    type: "text",
    env: "MILL_POOLS",
    file: true,
    flag: true,
    default: "no limit",
  },
  sandbox: {
    about: "Whether steps on this machine run in a sandbox: bubblewrap, auto (where it can be made) or none.",
    type: "text",
    env: "MILL_SANDBOX",
    file: true,
    flag: true,
    values: SANDBOXES,
    default: "none",
  },
  slurmUrl: {
    about: "Address of Slurm's REST door, slurmrestd; https unless it is on this machine.",
    type: "text",
    env: "MILL_SLURM_URL",
    file: true,
    flag: false,
    default: null,
  },
  slurmUser: {
    about: "Whose jobs they are on Slurm; the user that Millwright runs as.",
    type: "text",
    env: "MILL_SLURM_USER",
    file: true,
    flag: false,
    default: "this user",
  },
  slurmTokenFile: {
    about: "File that holds a token for Slurm, as `scontrol token` gives it; read again when the token has run out.",
    type: "text",
    env: "MILL_SLURM_TOKEN_FILE",
    file: true,
    flag: false,
    default: null,
  },
  slurmPartition: {
    about: "Partition that steps run in.",
    type: "text",
    env: "MILL_SLURM_PARTITION",
    file: true,
    flag: false,
    default: "the cluster's own",
  },
  slurmPlainHttp: {
    about: "Whether tokens may go to Slurm over a network in the clear: yes or no.",
    type: "text",
    env: "MILL_SLURM_PLAIN_HTTP",
    file: true,
    flag: false,
    values: ["yes", "no"],
    default: "no",
  },
  backupPassphrase: {
    about: "Passphrase that the keys and the token in a backup are sealed under.",
    type: "text",
    env: "MILL_BACKUP_PASSPHRASE",
    file: false,
    flag: false,
    default: null,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

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
  /** 0: no access log. */
  readonly accessLogMb: number;
  readonly on: (typeof ENGINES)[number];
  /** How many at one time, by the kind of step; a kind that is not named has no limit. */
  readonly pools: Readonly<Record<string, number>>;
  readonly sandbox: (typeof SANDBOXES)[number];
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
    if (setting.file && written[name] !== undefined) return { value: written[name], at: `mill.config.json, "${name}"` };
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
    accessLogMb: integer("accessLog", SETTINGS.accessLog.default),
    on: (text("on") ?? SETTINGS.on.default) as Config["on"],
    pools: readPools(find("pools")),
    sandbox: (text("sandbox") ?? SETTINGS.sandbox.default) as Config["sandbox"],
    slurmUrl: text("slurmUrl"),
    slurmUser: text("slurmUser"),
    slurmTokenFile: text("slurmTokenFile"),
    slurmPartition: text("slurmPartition"),
    slurmPlainHttp: (text("slurmPlainHttp") ?? SETTINGS.slurmPlainHttp.default) === "yes",
    backupPassphrase: text("backupPassphrase"),
  };
}

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

/** `s3Port` is `--s3-port`. */
export const flagOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

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
  const allowed = Object.entries(SETTINGS).flatMap(([name, setting]) => (setting.file ? [name] : []));
  const stranger = Object.keys(file).find((name) => !allowed.includes(name));
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
  const { values }: Setting = SETTINGS[name];
  const { value } = found;
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
