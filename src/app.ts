/**
 * The composition root: picks drivers, wires the blocks, starts and stops them. Nothing else knows more than its own block.
 * Loaded by the commands that need a workspace; `main.ts` is the bin.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { requireRestored } from "./backup/index.ts";
import { createQueues, every } from "./base/index.ts";
import type { App } from "./cli/index.ts";
import { configuredOidc, configuredPools, configuredPython, s3Certificate } from "./configured.ts";
import { type Config, type Handlers, secretsNamed } from "./contract/index.ts";
import { openProject, requireProject } from "./define/index.ts";
import { configuredEngines, stepEnvironment } from "./engines.ts";
import {
  accessVerbs,
  auditVerbs,
  createAccessKeys,
  createAccounts,
  createAudit,
  createCall,
  createLogin,
  createSecrets,
  lockWorkspace,
  openAuditAnchor,
  openKeyring,
  openTokens,
  peopleVerbs,
  secretVerbs,
} from "./guard/index.ts";
import { commitInfrastructure } from "./infrastructure.ts";
import { createLake, createUploads } from "./lake/index.ts";
import { createMonitor } from "./monitor/index.ts";
import { configuredNotices } from "./notices.ts";
import {
  createBackfiller,
  createKeeper,
  createLineageExporter,
  createScheduler,
  createSources,
  platformVerbs,
  STEP_KINDS,
} from "./orchestrate/index.ts";
import { readPackage } from "./package.ts";
import { configuredObjects, openObjects, requireSameStore } from "./ports/objects/index.ts";
import { createEnvironments } from "./ports/python/index.ts";
import { openRecords } from "./ports/records/index.ts";
import { openDuckDb } from "./ports/tables/index.ts";
import { startS3Door } from "./protocols/index.ts";
import { createReadiness } from "./readiness.ts";
import {
  createPapers,
  createRegisteredImports,
  createRegisteredModels,
  createRegistry,
  createWebhooks,
  registeredImportVerbs,
  registeredVerbs,
  webhookVerbs,
} from "./registry/index.ts";
import { createScriptTracking } from "./script-tracking.ts";
import { createServing, createStory } from "./serve/index.ts";
import { resultEnvironment, STEP_COMMAND } from "./step-process.ts";
import { createLedger } from "./steps/index.ts";
import {
  artifactVerbs,
  createArtifacts,
  createImports,
  createLoggedModels,
  createTracking,
  importVerbs,
  loggedModelVerbs,
  purgeVerbs,
  trackingVerbs,
} from "./train/index.ts";

/** How often predictions and events of the journal become Parquet and a version, while the workspace is open. */
const SEAL_EVERY_MS = 60_000;
/** How often hooks that could not be told are tried again, as far as that is due. */
const DELIVER_EVERY_MS = 5000;
/** How often webhooks are told what happened to models, and how long a slow one may keep a stop waiting. */
const WEBHOOKS_EVERY_MS = 1000;
const WEBHOOKS_LAST_MS = 2000;
/** How often endpoints are looked after while the platform is up. */
const KEEP_EVERY_MS = 1000;
/** How often what runs is told to those who listen, and how long that may keep a stop waiting. */
const LINEAGE_EVERY_MS = 1000;
const LINEAGE_LAST_MS = 2000;
/** What DuckDB may hold when the process itself asks, beside the steps' own engines. */
const QUERY_MEMORY_MB = 384;

/**
 * Opens a workspace as its one owner and settles what a crash left; where there is no project, none is made.
 * Errors: `define.project-missing`, `guard.workspace-locked`, `guard.workspace-unwritable`, and those of the drivers.
 */
export async function openWorkspace(config: Config): Promise<App> {
  requireProject(config.project);
  const lock = await lockWorkspace(config.workspace);
  const closers: (() => Promise<unknown>)[] = [() => lock.release()];
  const closeAll = () => closeInTurn(closers.reverse());
  const repeat = (...work: Parameters<typeof every>) => {
    const stop = every(...work);
    closers.push(async () => stop());
  };
  try {
    await requireRestored(config.workspace);
    const keyring = await openKeyring(config.workspace, { configured: config.key });
    const stored = configuredObjects(config);
    const objects = openObjects(stored, { keyring });
    closers.push(() => objects.close());
    const records = await openRecords(config.records ?? join(config.workspace, "mill.db"));
    closers.push(() => records.close());
    await requireSameStore(stored, { records, objects });
    const anchor = await openAuditAnchor(config.workspace, keyring);
    closers.push(() => anchor.close());
    const audit = createAudit({ records, anchor });
    const accounts = createAccounts({ records });
    const login = createLogin({ records, audit, accounts });
    const secrets = createSecrets({ records, keyring });
    const oidc = configuredOidc(config, { accounts, audit, login, secrets, records });
    const accessKeys = createAccessKeys({ records, keyring, accounts });
    const tokens = await openTokens({ records, workspace: config.workspace, configured: config.token, accounts });
    const scratch = join(config.workspace, "scratch");
    const tables = () => openDuckDb({ threads: config.threads, memoryMb: QUERY_MEMORY_MB, tempFolder: scratch });

    const { alerts, lineage, webhook } = configuredNotices(config, secrets);
    const lake = createLake({ records, objects, folder: config.workspace, tables, webhook });
    closers.push(
      () => lake.close(),
      () => lake.sealAll().catch(() => undefined), // the journal keeps the rows, and the next owner seals them
    );
    await lake.bringOver();
    const infrastructure = await commitInfrastructure({ records, objects, repositories: lake.repositories, config });

    const steps = join(config.workspace, "steps");
    const engines = await configuredEngines(config, {
      command: STEP_COMMAND,
      folder: steps,
      environment: stepEnvironment(process.env, config, stored),
      secrets,
    });
    const tracking = createTracking({ records });
    closers.push(() => tracking.close());
    const scripts = createScriptTracking({ records, tracking, call: () => call });
    closers.push(() => scripts.close());
    const ledger = createLedger({
      records,
      objects,
      engines,
      folder: steps,
      kinds: STEP_KINDS,
      environment: resultEnvironment(),
      pools: configuredPools(config),
      shared: config.records !== null,
      infrastructure: () => infrastructure,
      attend: scripts.attend,
    });
    let tellLineage = async (): Promise<void> => undefined;
    closers.push(() => Promise.race([tellLineage(), delay(LINEAGE_LAST_MS, undefined, { ref: false })]));
    closers.push(() => ledger.close());
    const registry = createRegistry({ records, objects });
    const uploads = createUploads({ records, objects });
    const artifacts = createArtifacts({ records, objects, uploads });
    const loggedModels = createLoggedModels({ records, tracking });
    const registered = createRegisteredModels({ records, tracking, loggedModels });
    const papers = createPapers({ records, objects, artifacts, tracking, registered });
    const story = createStory(records);
    const now = Date.now;
    const asking = () => openDuckDb({ threads: 1, memoryMb: QUERY_MEMORY_MB, tempFolder: scratch }); // beside the answers
    const monitor = createMonitor({ records, objects, lake, registry, ledger, story, notices: alerts, tables: asking, now });
    const environments = createEnvironments(configuredPython(config, process.env));
    const serving = createServing({ records, objects, lake, registry, environments, tables, watcher: monitor.watch });
    closers.push(() => serving.close());

    const webhooks = createWebhooks({ records, secrets, allowPrivate: config.webhookPrivate });
    closers.push(() => Promise.race([webhooks.settled(), delay(WEBHOOKS_LAST_MS, undefined, { ref: false })]));

    const openedAt = now();
    await ledger.recover();
    await scripts.settle(openedAt);
    ledger.reconcileEvery();
    repeat(SEAL_EVERY_MS, () => lake.sealAll());
    repeat(DELIVER_EVERY_MS, () => lake.hooks.deliver());
    repeat(WEBHOOKS_EVERY_MS, () => webhooks.deliver());

    const project = openProject(config.project);
    const workspace = {
      project,
      projectFolder: config.project,
      records,
      story,
      monitor,
      objects,
      lake,
      ledger,
      registry,
      serving,
      sources: createSources(records),
      environments,
      tables,
      threads: config.threads,
      memoryMb: config.memoryMb,
      inLine: createQueues(),
      now,
    };
    if (lineage !== null) {
      const { version } = readPackage(join(import.meta.dirname, ".."));
      const exporter = createLineageExporter(workspace, lineage, { namespace: config.openLineageNamespace, version });
      tellLineage = () => exporter.look().catch(() => undefined); // what is not told now is told later
      repeat(LINEAGE_EVERY_MS, tellLineage);
      await tellLineage();
    }
    const backfiller = createBackfiller(workspace);
    closers.push(() => backfiller.close());
    const platform = platformVerbs(workspace, backfiller);
    const handlers: Handlers = {
      ...platform,
      ...afterSecrets(platform, () => secrets.require(secretsNamed(config))),
      ...peopleVerbs(accounts, login),
      ...accessVerbs({ tokens, accounts, accessKeys, secrets, keyring, rotateObjects: () => objects.rotate() }),
      ...secretVerbs(secrets),
      ...auditVerbs(audit),
      ...artifactVerbs(artifacts),
      ...loggedModelVerbs(loggedModels),
      ...registeredVerbs({ models: registered, papers, records }),
      ...webhookVerbs(webhooks),
      ...trackingVerbs(tracking),
      ...purgeVerbs({ tracking, loggedModels, artifacts, named: () => registered.named() }),
      ...importVerbs(createImports({ records, tracking, loggedModels, artifacts })),
      ...registeredImportVerbs(createRegisteredImports({ records, registered, tracking, loggedModels })),
    };
    const call = createCall({ handlers, audit });
    const keep: App["keep"] = async (onFault) => {
      const keeper = createKeeper(workspace, onFault);
      closers.push(() => keeper.close());
      await keeper.start(KEEP_EVERY_MS);
      const scheduler = createScheduler(workspace, {
        onFault: (schedule, error) => onFault(schedule && `schedule ${schedule}`, error),
      });
      closers.push(() => scheduler.close());
      scheduler.start();
      backfiller.start((id, error) => onFault(id && `backfill ${id}`, error));
    };
    const readiness = createReadiness(
      () => serving.refresh(),
      () => serving.whyDown(),
    );
    closers.push(() => readiness.settled());
    const openS3: App["openS3"] = async (log) => {
      const certificate = await s3Certificate(config, (message) => log.error("certificate", { message }));
      if (certificate !== null) closers.push(async () => certificate.close());
      const door = await startS3Door({
        repositories: lake.repositories,
        uploads,
        objects,
        keys: accessKeys,
        bearer: tokens.bearer,
        host: config.host,
        port: config.s3Port,
        limits: { requests: config.s3Limit, strangers: config.strangerLimit },
        ...(config.s3Domain !== null && { domain: config.s3Domain }),
        ...(certificate && { tls: certificate.current() }),
        log,
      });
      certificate?.onChange((material) => door.renew(material));
      closers.push(() => door.stop());
      return door;
    };
    return { call, tokens, login, oidc, lock, ready: readiness.ready, loaded: readiness.loaded, keep, openS3, close: closeAll };
  } catch (error) {
    await closeAll().catch(() => undefined);
    throw error;
  }
}

/** A run does not begin before what it would need in the end is there: who trains for an hour wants the alert to arrive. */
const afterSecrets = (
  { run, retrain }: Pick<Handlers, "run" | "retrain">,
  required: () => Promise<void>,
): Pick<Handlers, "run" | "retrain"> => ({
  async *run(input, context) {
    await required();
    yield* run(input, context);
  },
  async *retrain(input, context) {
    await required();
    yield* retrain(input, context);
  },
});

/** One that fails keeps the others from nothing; the first failure is told at the end. */
async function closeInTurn(closers: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) await close().catch((thrown) => failures.push(thrown));
  if (failures.length > 0) throw failures[0];
}
