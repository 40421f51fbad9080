import assert from "node:assert/strict";
import { test } from "node:test";
import { MillError } from "../base/index.ts";
import { readConfig, secretsNamed, tlsFiles } from "./index.ts";

const machine = { cores: 2, memoryMb: 4096, cwd: "/home/p" };
const read = (flags = {}, env = {}, file: unknown = {}) => readConfig({ flags, env, file, machine });
const refused = (run: () => unknown, code: string, pattern: RegExp) =>
  assert.throws(
    run,
    (error) =>
      error instanceof MillError && error.code === code && pattern.test(`${error.at} ${error.message} ${error.expected}`),
  );

test("without a word from anyone the defaults hold", () => {
  assert.deepEqual(read(), {
    project: "/home/p",
    workspace: "/home/p/.mill",
    host: "127.0.0.1",
    port: 4747,
    token: null,
    threads: 2,
    memoryMb: 2048,
    log: "info",
    webhook: null,
    webhookSecret: null,
    webhookPrivate: false,
    openLineage: null,
    openLineageNamespace: "millwright",
    records: null,
    objects: null,
    objectsEndpoint: null,
    objectsRegion: "us-east-1",
    objectsCacheMb: 10_240,
    encrypt: false,
    key: null,
    s3Port: 4748,
    s3Domain: null,
    s3Certificate: null,
    s3CertificateKey: null,
    tlsCert: null,
    tlsKey: null,
    oidcIssuer: null,
    oidcClient: null,
    oidcSecretFile: null,
    oidcScope: "openid email profile",
    oidcGroupsClaim: "groups",
    oidcRoles: [],
    strangerLimit: 600,
    actorLimit: 12_000,
    s3Limit: 600_000,
    accessLogMb: 64,
    on: "local",
    pools: {},
    sandbox: "none",
    python: "python3",
    pythonFolder: null,
    slurmUrl: null,
    slurmUser: null,
    slurmTokenFile: null,
    slurmPartition: null,
    slurmPlainHttp: false,
    backupPassphrase: null,
  });
});

test("a flag wins over a variable, a variable over the file", () => {
  const file = { port: 1, log: "warn" };
  assert.equal(read({}, {}, file).port, 1);
  assert.equal(read({}, { MILL_PORT: "2" }, file).port, 2);
  assert.equal(read({ port: "3" }, { MILL_PORT: "2" }, file).port, 3);
  assert.equal(read({ port: "3" }, {}, file).log, "warn");
});

test("an empty variable says nothing", () => assert.equal(read({}, { MILL_PORT: "" }).port, 4747));

test("the workspace moves with the project", () => assert.equal(read({ project: "/srv/x" }).workspace, "/srv/x/.mill"));

test("a bad value names its source and what is allowed", () => {
  refused(() => read({ port: "99999" }), "config.value", /--port.*0 to 65535/);
  refused(() => read({}, { MILL_THREADS: "two" }), "config.value", /MILL_THREADS.*integer/);
  refused(() => read({}, {}, { log: "loud" }), "config.value", /mill.config.json, "log".*error, warn, info, debug/);
  refused(() => read({}, {}, []), "config.value", /one JSON object/);
});

test("an unknown setting in the file is answered with the near one", () => {
  refused(() => read({}, {}, { prot: 1 }), "config.unknown-setting", /Did you mean "port"/);
});

test("pools are kinds of steps with how many run, each once", () => {
  assert.deepEqual(read({ pools: "train=1, training-set=20" }).pools, { train: 1, "training-set": 20 });
  assert.deepEqual(read({}, { MILL_POOLS: "ingest=2" }, { pools: "train=1" }).pools, { ingest: 2 });
  for (const wrong of [
    "train",
    "train=0",
    "train=-1",
    "train=1.5",
    "train=10000",
    "=1",
    "train=1,train=2",
    "Train=1",
    "train=1;ingest=2",
  ])
    refused(() => read({}, { MILL_POOLS: wrong }), "config.value", /MILL_POOLS.*as in train=1,ingest=2/);
});

test("groups give roles in pairs, and a certificate comes with its key", () => {
  assert.deepEqual(read({}, { MILL_OIDC_ROLES: "data team=editor, a=b=admin" }).oidcRoles, [
    ["data team", "editor"],
    ["a=b", "admin"],
  ]);
  for (const wrong of ["editor", "=editor", "team=", "team=Not A Role"])
    refused(() => read({}, { MILL_OIDC_ROLES: wrong }), "config.value", /MILL_OIDC_ROLES/);
  assert.equal(tlsFiles(read({}, {})), null);
  assert.deepEqual(tlsFiles(read({ "tls-cert": "a.pem", "tls-key": "b.pem" }, {})), { cert: "a.pem", key: "b.pem" });
  for (const half of ["tls-cert", "tls-key"]) refused(() => tlsFiles(read({ [half]: "a.pem" }, {})), "config.value", /--tls-/);
});

test("the token comes from the environment only", () => {
  assert.equal(read({ token: "a" }, {}).token, null);
  assert.equal(read({}, { MILL_TOKEN: "b" }).token, "b");
  refused(() => read({}, {}, { token: "c" }), "config.unknown-setting", /token/);
});

test("the webhook's secret comes from the environment only; a private one must be allowed in so many words", () => {
  assert.equal(read({ webhookSecret: "a" }, {}).webhookSecret, null);
  assert.equal(read({}, { MILL_WEBHOOK_SECRET: "b" }).webhookSecret, "b");
  refused(() => read({}, {}, { webhookSecret: "c" }), "config.value", /webhookSecret.*may name the secret.*secret:NAME/);
  assert.equal(read({}, {}, { webhook: "https://a.example/x", webhookPrivate: "yes" }).webhookPrivate, true);
  refused(() => read({}, { MILL_WEBHOOK_PRIVATE: "true" }), "config.value", /MILL_WEBHOOK_PRIVATE.*one of yes, no/);
});

test("a secret may be named where a credential is asked for, in the file too, and nowhere else", () => {
  const config = read(
    { webhook: "secret:alerts" },
    { MILL_SLURM_TOKEN_FILE: "secret:slurm" },
    { webhookSecret: "secret:signing" },
  );
  assert.deepEqual(secretsNamed(config), [
    ["webhook", "secret:alerts"],
    ["webhookSecret", "secret:signing"],
    ["slurmTokenFile", "secret:slurm"],
  ]);
  assert.deepEqual(secretsNamed(read()), []);
  for (const wrong of ["secret:", "secret:Alerts", "secret:a b"])
    refused(() => read({ webhook: wrong }), "config.value", /--webhook.*secret:NAME/);
  for (const variable of ["MILL_TOKEN", "MILL_KEY", "MILL_BACKUP_PASSPHRASE", "MILL_HOST", "MILL_RECORDS"])
    refused(() => read({}, { [variable]: "secret:alerts" }), "config.value", new RegExp(`${variable}.*not yet open`));
});

test("an address that may hold a secret is not repeated when it is refused", () => {
  assert.throws(
    () => read({}, {}, { webhook: ["https://a.example/token"] }),
    (error) => error instanceof MillError && error.got === undefined,
  );
});

test("the S3 door stands one port above the server, or on a free one beside it", () => {
  assert.equal(read({ port: "8080" }).s3Port, 8081);
  assert.equal(read({ port: "0" }).s3Port, 0);
  assert.equal(read({ port: "0", "s3-port": "9000" }).s3Port, 9000);
});

test("addresses of rows and objects are read whole, and told without a password when they are wrong", () => {
  assert.deepEqual(read({ objects: "s3://models/mill/one/" }).objects, { bucket: "models", prefix: "mill/one" });
  assert.deepEqual(read({}, { MILL_OBJECTS: "s3://models" }).objects, { bucket: "models", prefix: "" });
  assert.equal(read({}, { MILL_RECORDS: "postgres://u:p@h/d" }).records, "postgres://u:p@h/d");
  refused(() => read({ objects: "/srv/objects" }), "config.value", /--objects.*s3:/);
  refused(() => read({}, { MILL_RECORDS: "mysql://u:hush@h/d" }), "config.value", /^(?!.*hush).*MILL_RECORDS/);
});
