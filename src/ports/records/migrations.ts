/**
 * The schema, as one numbered sequence that every record store runs. A migration is never edited once it has landed: add the next one.
 * Times are milliseconds since 1970 (wall clock); JSON is text.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: readonly string[];
}

export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: "spine",
    sql: [
      // guard: who may, and what was done. Each audit row's digest covers the row and the digest before it.
      `CREATE TABLE tokens (digest TEXT PRIMARY KEY, actor TEXT NOT NULL, created_at BIGINT NOT NULL, revoked_at BIGINT)`,
      `CREATE TABLE audit (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, verb TEXT NOT NULL, target TEXT, outcome TEXT NOT NULL,
        detail TEXT, previous TEXT NOT NULL, digest TEXT NOT NULL)`,

      // objects: what must be kept, and for whom
      `CREATE TABLE pins (digest TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (digest, holder))`,
      `CREATE INDEX pins_holder ON pins (holder)`,

      // steps: a run asks for steps; a step has attempts; a key has at most one result
      `CREATE TABLE runs (id TEXT PRIMARY KEY, actor TEXT NOT NULL, targets TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL,
        owner TEXT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT, error TEXT)`,
      `CREATE TABLE steps (id TEXT PRIMARY KEY, step_key TEXT NOT NULL, kind TEXT NOT NULL, revision INTEGER NOT NULL, target TEXT NOT NULL, run_id TEXT,
        input TEXT NOT NULL, state TEXT NOT NULL, fence INTEGER NOT NULL, lease_until BIGINT, created_at BIGINT NOT NULL, ended_at BIGINT, error TEXT)`,
      `CREATE INDEX steps_key ON steps (step_key)`,
      `CREATE UNIQUE INDEX steps_running ON steps (step_key) WHERE state = 'running'`,
      `CREATE INDEX steps_state ON steps (state)`,
      `CREATE INDEX steps_target ON steps (target, id)`,
      `CREATE INDEX steps_run ON steps (run_id, id)`,
      `CREATE TABLE attempts (step_id TEXT NOT NULL, fence INTEGER NOT NULL, engine TEXT NOT NULL, handle TEXT, owner TEXT NOT NULL, started_at BIGINT NOT NULL, heartbeat_at BIGINT NOT NULL,
        ended_at BIGINT, outcome TEXT, progress TEXT, meters TEXT, error TEXT, log TEXT, PRIMARY KEY (step_id, fence))`,
      `CREATE TABLE results (step_key TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, step_id TEXT NOT NULL, manifest TEXT NOT NULL, published_at BIGINT NOT NULL)`,

      // lake: versions of data sets, frozen splits, readings of a holdout
      `CREATE TABLE dataset_versions (dataset TEXT NOT NULL, version INTEGER NOT NULL, parent INTEGER, manifest TEXT NOT NULL, row_count BIGINT NOT NULL,
        created_at BIGINT NOT NULL, made_by TEXT NOT NULL, PRIMARY KEY (dataset, version))`,
      `CREATE TABLE splits (dataset TEXT PRIMARY KEY, spec TEXT NOT NULL, boundary TEXT NOT NULL, dataset_version INTEGER NOT NULL, frozen_at BIGINT NOT NULL)`,
      `CREATE TABLE holdout_readings (id TEXT PRIMARY KEY, dataset TEXT NOT NULL, digest TEXT NOT NULL, reader TEXT NOT NULL, model TEXT, granted INTEGER NOT NULL,
        at BIGINT NOT NULL)`,
      `CREATE TABLE sealed_objects (digest TEXT PRIMARY KEY)`,
      `CREATE TABLE source_digests (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL)`,
      `CREATE TABLE sealed_segments (dataset TEXT NOT NULL, segment TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (dataset, segment))`,

      // registry: versions of models and the names that point at them
      `CREATE TABLE model_versions (model TEXT NOT NULL, version INTEGER NOT NULL, bundle TEXT NOT NULL, passed INTEGER NOT NULL, verdict TEXT NOT NULL, card TEXT NOT NULL,
        lineage TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (model, version))`,
      `CREATE UNIQUE INDEX model_versions_bundle ON model_versions (model, bundle)`,
      `CREATE TABLE aliases (model TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (model, alias))`,
      `CREATE TABLE alias_history (model TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL)`,

      // serve: which version an endpoint answers with
      `CREATE TABLE endpoints (name TEXT PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, previous INTEGER, changed_at BIGINT NOT NULL)`,
      `CREATE TABLE endpoint_history (name TEXT NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL)`,
    ],
  },
  {
    number: 2,
    name: "loop",
    sql: [
      // lake: what a data set consists of beside its files, and how it is cut, one row a generation; the newest that was not abandoned counts
      `CREATE TABLE generations (dataset TEXT NOT NULL, generation INTEGER NOT NULL, spec TEXT, boundary TEXT, dataset_version INTEGER, journals TEXT NOT NULL,
        train_from TEXT, rows_until TEXT, run_id TEXT, step_key TEXT, opened_at BIGINT NOT NULL, frozen_at BIGINT, abandoned_at BIGINT, PRIMARY KEY (dataset, generation))`,
      `INSERT INTO generations (dataset, generation, spec, boundary, dataset_version, journals, opened_at, frozen_at)
        SELECT dataset, 1, spec, boundary, dataset_version, '[]', frozen_at, frozen_at FROM splits`,
      `DROP TABLE splits`,

      // registry: whether the version has the alias from then on, or has it no more
      `ALTER TABLE alias_history ADD COLUMN held INTEGER NOT NULL DEFAULT 1`,

      // serve: a new version that answers a share of the requests, and what happened to an endpoint, in words; as_of is data time in microseconds
      `CREATE TABLE rollouts (endpoint TEXT PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, base INTEGER NOT NULL, steps TEXT NOT NULL,
        hold_micros BIGINT NOT NULL, step INTEGER NOT NULL, since_as_of BIGINT, since_at BIGINT NOT NULL, started_at BIGINT NOT NULL)`,
      `CREATE TABLE happenings (seq BIGINT PRIMARY KEY, endpoint TEXT NOT NULL, at BIGINT NOT NULL, as_of BIGINT, what TEXT NOT NULL, text TEXT NOT NULL)`,
      `CREATE INDEX happenings_endpoint ON happenings (endpoint, seq)`,

      // monitor: what each day of data time was like, and what was wrong; notices on their way out
      `CREATE TABLE monitored_days (endpoint TEXT NOT NULL, day TEXT NOT NULL, report TEXT NOT NULL, scanned_at BIGINT NOT NULL, PRIMARY KEY (endpoint, day))`,
      `CREATE TABLE monitor_scans (endpoint TEXT PRIMARY KEY, state TEXT NOT NULL)`,
      `CREATE TABLE alerts (id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, source TEXT NOT NULL, cause TEXT NOT NULL, kind TEXT NOT NULL, severity DOUBLE PRECISION NOT NULL,
        sentence TEXT NOT NULL, detail TEXT NOT NULL, opened_at BIGINT NOT NULL, opened_as_of BIGINT, seen_as_of BIGINT, closed_at BIGINT, closed_as_of BIGINT)`,
      `CREATE UNIQUE INDEX alerts_open ON alerts (endpoint, cause) WHERE closed_at IS NULL`,
      `CREATE INDEX alerts_endpoint ON alerts (endpoint, id)`,
      `CREATE TABLE notices (id TEXT PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL, created_at BIGINT NOT NULL, attempts INTEGER NOT NULL, next_at BIGINT NOT NULL,
        delivered_at BIGINT, given_up_at BIGINT, error TEXT)`,

      // orchestrate: why a model was trained again, and what became of it
      `CREATE TABLE retrainings (run_id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL, cause TEXT NOT NULL, as_of BIGINT, state TEXT NOT NULL,
        version INTEGER, why TEXT, started_at BIGINT NOT NULL, ended_at BIGINT)`,
      `CREATE INDEX retrainings_endpoint ON retrainings (endpoint, run_id)`,
    ],
  },
  {
    number: 3,
    name: "lake",
    sql: [
      // lake: repositories, the refs that move, the commits that do not. A branch's root is its head's tree with what was folded into it since;
      // staged rows lie over it, each with the branch's stamp when it came; entry null: removed. The epoch counts the moves of head and root
      `CREATE TABLE repositories (name TEXT PRIMARY KEY, default_branch TEXT NOT NULL, bucket_branch TEXT, retention TEXT, created_at BIGINT NOT NULL, created_by TEXT NOT NULL)`,
      `CREATE TABLE branches (repository TEXT NOT NULL, name TEXT NOT NULL, head TEXT NOT NULL, root TEXT NOT NULL, epoch BIGINT NOT NULL, stamp BIGINT NOT NULL, protected INTEGER NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (repository, name))`,
      `CREATE TABLE staged (repository TEXT NOT NULL, branch TEXT NOT NULL, path TEXT NOT NULL, stamp BIGINT NOT NULL, entry TEXT, PRIMARY KEY (repository, branch, path))`,
      `CREATE TABLE tags (repository TEXT NOT NULL, name TEXT NOT NULL, commit_id TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (repository, name))`,
      `CREATE TABLE commits (repository TEXT NOT NULL, id TEXT NOT NULL, root TEXT NOT NULL, parents TEXT NOT NULL, generation BIGINT NOT NULL, message TEXT NOT NULL,
        author TEXT NOT NULL, created_at BIGINT NOT NULL, metadata TEXT NOT NULL, freed_at BIGINT, PRIMARY KEY (repository, id))`,
      `CREATE INDEX commits_generation ON commits (repository, generation, id)`,
      `CREATE TABLE lake_locks (repository TEXT NOT NULL, branch TEXT NOT NULL, prefix TEXT NOT NULL, holder TEXT NOT NULL, why TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL,
        PRIMARY KEY (repository, branch, prefix))`,
      `CREATE TABLE lake_hooks (repository TEXT NOT NULL, name TEXT NOT NULL, event TEXT NOT NULL, branches TEXT NOT NULL, kind TEXT NOT NULL, config TEXT NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (repository, name))`,
      `CREATE TABLE lake_hook_runs (id TEXT PRIMARY KEY, repository TEXT NOT NULL, hook TEXT NOT NULL, event TEXT NOT NULL, branch TEXT NOT NULL, commit_id TEXT NOT NULL, passed INTEGER,
        detail TEXT NOT NULL, at BIGINT NOT NULL)`,
      `CREATE INDEX lake_hook_runs_repository ON lake_hook_runs (repository, id)`,
      `CREATE TABLE uploads (id TEXT PRIMARY KEY, repository TEXT NOT NULL, branch TEXT NOT NULL, path TEXT NOT NULL, headers TEXT NOT NULL, actor TEXT NOT NULL, created_at BIGINT NOT NULL,
        completed TEXT, ended_at BIGINT)`,
      `CREATE INDEX uploads_path ON uploads (repository, branch, path, id)`,
      `CREATE TABLE upload_parts (upload_id TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, size_bytes BIGINT NOT NULL, etag TEXT NOT NULL, checksums TEXT NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (upload_id, number))`,
      `CREATE TABLE collections (id TEXT PRIMARY KEY, dry_run INTEGER NOT NULL, grace_ms BIGINT NOT NULL, objects BIGINT NOT NULL, bytes BIGINT NOT NULL, kept BIGINT NOT NULL,
        commits BIGINT NOT NULL, uploads BIGINT NOT NULL, plan TEXT, proof TEXT, started_at BIGINT NOT NULL, ended_at BIGINT)`,
      `ALTER TABLE dataset_versions ADD COLUMN commit_id TEXT`,

      // ports/objects: the store that holds this workspace's objects, and whether it was marked with the id
      `CREATE TABLE object_store (only_row INTEGER PRIMARY KEY, id TEXT NOT NULL, marked INTEGER NOT NULL)`,

      // guard: keys of S3 clients; the secret is sealed under a key of the workspace
      `CREATE TABLE access_keys (id TEXT PRIMARY KEY, actor TEXT NOT NULL, may TEXT NOT NULL, secret TEXT NOT NULL, about TEXT NOT NULL, created_at BIGINT NOT NULL, revoked_at BIGINT)`,

      // steps: the commit of the infrastructure that a run began on
      `ALTER TABLE runs ADD COLUMN infrastructure TEXT`,
    ],
  },
  {
    number: 4,
    name: "guard-and-steps",
    sql: [
      // guard: users, the roles they have, roles of the workspace's own; `may` is a JSON list of permissions, and null where nothing is limited
      `CREATE TABLE users (name TEXT PRIMARY KEY, kind TEXT NOT NULL, email TEXT, display_name TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
        disabled_at BIGINT)`,
      `CREATE TABLE roles (name TEXT PRIMARY KEY, may TEXT NOT NULL, about TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL)`,
      `CREATE TABLE role_grants (holder TEXT NOT NULL, role TEXT NOT NULL, granted_at BIGINT NOT NULL, granted_by TEXT NOT NULL, PRIMARY KEY (holder, role))`,
      `CREATE INDEX role_grants_role ON role_grants (role)`,
      // guard: tokens of users, beside the admin token, which has no id; and those of attempts at steps, which go with the attempt
      `ALTER TABLE tokens ADD COLUMN id TEXT`,
      `ALTER TABLE tokens ADD COLUMN name TEXT`,
      `ALTER TABLE tokens ADD COLUMN may TEXT`,
      `ALTER TABLE tokens ADD COLUMN expires_at BIGINT`,
      `ALTER TABLE tokens ADD COLUMN used_at BIGINT`,
      `CREATE UNIQUE INDEX tokens_id ON tokens (id)`,
      `CREATE TABLE step_tokens (digest TEXT PRIMARY KEY, step_id TEXT NOT NULL, fence INTEGER NOT NULL, actor TEXT NOT NULL, may TEXT NOT NULL, expires_at BIGINT NOT NULL)`,
      `CREATE INDEX step_tokens_step ON step_tokens (step_id, fence)`,
      `CREATE TABLE passwords (holder TEXT PRIMARY KEY, salt TEXT NOT NULL, hash TEXT NOT NULL, set_at BIGINT NOT NULL)`,
      `CREATE TABLE sessions (digest TEXT PRIMARY KEY, holder TEXT NOT NULL, created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL)`,
      `CREATE INDEX sessions_holder ON sessions (holder)`,
      `UPDATE access_keys SET may = CASE may WHEN 'read' THEN '["read"]' WHEN 'predict' THEN '["read","predict"]' WHEN 'operate' THEN '["read","predict","edit","operate"]'
        ELSE '["read","predict","edit","operate","approve","admin"]' END`,
      // guard: what somebody did, how often a verb was used, what happened since
      `CREATE INDEX audit_actor ON audit (actor, seq)`,
      `CREATE INDEX audit_verb ON audit (verb, seq)`,
      `CREATE INDEX audit_at ON audit (at, seq)`,
      // steps: who looks after a step that is queued or runs; what it waits for; a wish that it ends. What is paused; a log too long for its row
      `ALTER TABLE steps ADD COLUMN owner TEXT`,
      `ALTER TABLE steps ADD COLUMN due_at BIGINT`,
      `ALTER TABLE steps ADD COLUMN pool TEXT`,
      `ALTER TABLE steps ADD COLUMN exclusive_key TEXT`,
      `ALTER TABLE steps ADD COLUMN cancel_at BIGINT`,
      `UPDATE steps SET owner = (SELECT a.owner FROM attempts a WHERE a.step_id = steps.id AND a.fence = steps.fence) WHERE state = 'running'`,
      `ALTER TABLE runs ADD COLUMN cancel_at BIGINT`,
      `ALTER TABLE runs ADD COLUMN seen_at BIGINT`,
      `ALTER TABLE attempts ADD COLUMN log_object TEXT`,
      `DROP INDEX steps_running`,
      `CREATE UNIQUE INDEX steps_open ON steps (step_key) WHERE state IN ('running', 'queued')`,
      `CREATE INDEX steps_pool ON steps (pool) WHERE pool IS NOT NULL AND state IN ('running', 'queued')`,
      `CREATE INDEX steps_exclusive ON steps (exclusive_key) WHERE exclusive_key IS NOT NULL AND state IN ('running', 'queued')`,
      `CREATE TABLE pauses (what TEXT NOT NULL, name TEXT NOT NULL, since BIGINT NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (what, name))`,

      // orchestrate: what a run was expected to take, step by step; the whole run is of kind `run`, for no target
      `CREATE TABLE forecasts (run_id TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, input_bytes BIGINT, wall_ms DOUBLE PRECISION, low_ms DOUBLE PRECISION,
        high_ms DOUBLE PRECISION, memory_bytes BIGINT, attempts INTEGER NOT NULL, PRIMARY KEY (run_id, target, kind))`,
      `CREATE INDEX forecasts_kind ON forecasts (kind, run_id)`,

      // orchestrate: what each condition of a schedule has seen, the tick that is open and who runs it until when; the epoch counts every change
      `CREATE TABLE schedules (name TEXT PRIMARY KEY, cursors TEXT NOT NULL, epoch BIGINT NOT NULL, tick TEXT, owner TEXT, lease_until BIGINT, paused_at BIGINT, paused_by TEXT)`,
      `CREATE TABLE ticks (id TEXT PRIMARY KEY, schedule TEXT NOT NULL, due_at BIGINT NOT NULL, claimed_at BIGINT NOT NULL, cause TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
        run_id TEXT, error TEXT, ended_at BIGINT)`,
      `CREATE INDEX ticks_schedule ON ticks (schedule, id)`,

      // orchestrate: what was told of a run or step by OpenLineage; the subject since: from when on
      `CREATE TABLE lineage_events (subject TEXT PRIMARY KEY, event TEXT NOT NULL, at BIGINT NOT NULL)`,
    ],
  },
  {
    number: 5,
    name: "tracking",
    sql: [
      // guard: secrets, sealed under a key of the workspace, and named by settings; logins at an OpenID provider that were begun. No step asks the server
      `CREATE TABLE secrets (name TEXT PRIMARY KEY, sealed TEXT NOT NULL, set_at BIGINT NOT NULL, set_by TEXT NOT NULL)`,
      `CREATE TABLE oidc_logins (digest TEXT PRIMARY KEY, redirect TEXT NOT NULL, begun_at BIGINT NOT NULL)`,
      `CREATE INDEX oidc_logins_begun ON oidc_logins (begun_at)`,
      `DROP TABLE step_tokens`,
      // backup: that this workspace is a copy, until it takes over
      `CREATE TABLE restored_copy (only_row INTEGER PRIMARY KEY, taken_at TEXT NOT NULL, restored_at BIGINT NOT NULL)`,
      // steps, orchestrate: definitions that runs pin, backfills
      // definitions in their normal form, by its digest: when and by whom they were first run, and the revisions of the steps that ran them last, with their code
      `CREATE TABLE definitions (version TEXT PRIMARY KEY, content TEXT NOT NULL, first_run_at BIGINT NOT NULL, first_run_by TEXT NOT NULL, last_run_at BIGINT NOT NULL,
        revisions TEXT NOT NULL, millwright TEXT NOT NULL)`,
      `ALTER TABLE runs ADD COLUMN definitions TEXT`,
      // what was last made of each partition: of which files (by stamps) and by which definition. Backfills; who carries one out until when, and how many of its partitions are how
      `CREATE TABLE partitions (dataset TEXT NOT NULL, partition_key TEXT NOT NULL, state TEXT NOT NULL, step_key TEXT NOT NULL, definition TEXT NOT NULL, stamps TEXT NOT NULL, error TEXT,
        at BIGINT NOT NULL, PRIMARY KEY (dataset, partition_key))`,
      `CREATE TABLE backfills (id TEXT PRIMARY KEY, target TEXT NOT NULL, dataset TEXT NOT NULL, which TEXT NOT NULL, from_partition TEXT, to_partition TEXT, batch INTEGER NOT NULL,
        actor TEXT NOT NULL, requested_at BIGINT NOT NULL, state TEXT NOT NULL, owner TEXT, lease_until BIGINT, tries INTEGER NOT NULL, run_id TEXT, partitions INTEGER NOT NULL,
        running INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, absent INTEGER NOT NULL, note TEXT, error TEXT, ended_at BIGINT)`,
      `CREATE INDEX backfills_open ON backfills (id) WHERE state IN ('requested', 'running')`,
      `CREATE TABLE backfill_partitions (backfill TEXT NOT NULL, partition_key TEXT NOT NULL, state TEXT NOT NULL, step_id TEXT, error TEXT, PRIMARY KEY (backfill, partition_key))`,
      `CREATE INDEX backfill_partitions_state ON backfill_partitions (backfill, state, partition_key)`,
      // train: experiments and their runs: how often anything changed, and up to which change the rows are; the changes since, whole groups of them, with their points; the rows, with the
      // change that they are of; the points of a run by key, timestamp, step and value; what was measured of logged models
      `CREATE TABLE tracking_state (id INTEGER PRIMARY KEY, last BIGINT NOT NULL, folded BIGINT NOT NULL)`,
      `CREATE TABLE tracking_log (last BIGINT PRIMARY KEY, changes TEXT NOT NULL, points BLOB)`,
      `CREATE TABLE tracking_experiments (id TEXT PRIMARY KEY, change BIGINT NOT NULL, content TEXT NOT NULL)`,
      `CREATE TABLE tracking_runs (id TEXT PRIMARY KEY, change BIGINT NOT NULL, content TEXT NOT NULL, latest BLOB)`,
      `CREATE INDEX tracking_runs_change ON tracking_runs (change, id)`,
      `CREATE TABLE tracking_chunks (run_id TEXT NOT NULL, number BIGINT NOT NULL, point_count BIGINT NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL, points BLOB NOT NULL,
        PRIMARY KEY (run_id, number))`,
      `CREATE TABLE tracking_datasets (experiment_id TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (experiment_id, name, digest))`,
      `CREATE TABLE tracking_model_metrics (model_id TEXT NOT NULL, key TEXT NOT NULL, dataset_name TEXT NOT NULL, dataset_digest TEXT NOT NULL, run_id TEXT NOT NULL, value TEXT NOT NULL,
        at BIGINT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (model_id, key, dataset_name, dataset_digest))`,

      // train: what runs and logged models keep as files, by their path below the root of artifacts; the objects are pinned as artifact/PATH
      `CREATE TABLE artifacts (path TEXT PRIMARY KEY, digest TEXT NOT NULL, size_bytes BIGINT NOT NULL, modified_at BIGINT NOT NULL)`,
      // train: models that runs log
      `CREATE TABLE logged_models (id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL, name TEXT NOT NULL, model_type TEXT, source_run_id TEXT, status TEXT NOT NULL, artifact_uri TEXT NOT NULL,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted_at BIGINT)`,
      `CREATE INDEX logged_models_experiment ON logged_models (experiment_id, created_at, id)`,
      `CREATE TABLE logged_model_params (model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key))`,
      `CREATE TABLE logged_model_tags (model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key))`,

      // registry: names of models, and the versions that people register beside the bundles of model_versions; both count in one sequence. What is said
      // of a bundle's version (description, stage) stands in version_notes, as that of the others does
      `CREATE TABLE registered_models (name TEXT PRIMARY KEY, description TEXT, last_version INTEGER NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)`,
      `CREATE TABLE registered_model_tags (model TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model, key))`,
      `CREATE TABLE registered_versions (model TEXT NOT NULL, version INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, location TEXT NOT NULL, run_id TEXT, run_link TEXT, model_id TEXT, actor TEXT NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (model, version))`,
      `CREATE TABLE version_notes (model TEXT NOT NULL, version INTEGER NOT NULL, description TEXT, stage TEXT NOT NULL, updated_at BIGINT NOT NULL, PRIMARY KEY (model, version))`,
      `CREATE TABLE version_tags (model TEXT NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model, version, key))`,
    ],
  },
  {
    number: 6,
    name: "python-and-webhooks",
    sql: [
      // registry: what versions are told to
      // whatever happened to models and their versions, in its order: a row of it is never changed, and never taken away. name: an alias, or the key of a tag; detail is JSON
      `CREATE TABLE registry_ledger (seq BIGINT PRIMARY KEY, model TEXT NOT NULL, version INTEGER, what TEXT NOT NULL, name TEXT, detail TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL,
        why TEXT NOT NULL)`,
      `CREATE INDEX registry_ledger_model ON registry_ledger (model, seq)`,
      `INSERT INTO registry_ledger (seq, model, version, what, name, detail, at, actor, why)
        SELECT row_number() OVER (ORDER BY at, model, version), model, version, CASE WHEN held = 1 THEN 'alias.set' ELSE 'alias.removed' END, alias, '{}', at, actor, why FROM alias_history`,
      `DROP TABLE alias_history`,
      // told: up to where of the ledger its notices are written down; what it signs with lies sealed among the secrets
      `CREATE TABLE registry_webhooks (id TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL, description TEXT, active INTEGER NOT NULL, signs INTEGER NOT NULL,
        told BIGINT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL, updated_at BIGINT NOT NULL)`,
      // registry: what people say of versions: licences, signatures
      `CREATE TABLE version_papers (model TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (model, version))`,
      // train: what was taken from other MLflow servers: who imports of which; of each thing by its id there, its id here and digests of what it said there
      `CREATE TABLE imports (source TEXT PRIMARY KEY, begun_at BIGINT NOT NULL, begun_by TEXT NOT NULL)`,
      `CREATE TABLE imported (source TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, local_id TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (source, kind, id))`,
    ],
  },
];
