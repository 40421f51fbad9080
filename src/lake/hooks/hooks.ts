/**
 * Hooks of repositories. One that is asked before a change may refuse it; its run is committed with the change. One that is told afterwards is written
 * down with the change, and run behind it: what it says is kept, and undoes nothing.
 *
 *     before: ask pre-hooks -> all passed -> [change, runs of pre-hooks, runs of post-hooks to come, notices to send], one commit
 *                           -> one failed -> its run alone, `lake.hook-refused`
 *     after:  judge what was committed, send the notices
 */
import { type Json, MillError, newId } from "../../base/index.ts";
import { createOutbox, type Notices } from "../../ports/notices/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { matchesPattern } from "../patterns.ts";
import { unknownRef } from "../repositories/branch-state.ts";
import type { MoveEvent, RepositoryGuards } from "../repositories/guards.ts";
import { judgeFiles } from "./files-rule.ts";
import {
  eventsOf,
  failed,
  type Hook,
  type HookEvent,
  type HookRun,
  type NewHook,
  type Outcome,
  passed,
  type Rule,
} from "./hook.ts";
import { judgeTable, type TableRuleResources } from "./table-rule.ts";

export interface HooksResources extends TableRuleResources {
  readonly records: Records;
  /** Who posts to an address. Errors: `notice.bad-target`. Left out: no hook can be a webhook. */
  readonly webhook?: ((url: string, timeoutMs: number) => Notices) | undefined;
  readonly clock?: () => number;
}

export interface Hooks {
  /** Makes a hook, or replaces the one of its name. Errors: `lake.bad-hook`, `lake.unknown-repository`, `notice.bad-target`. */
  put(repository: string, hook: NewHook): Promise<Hook>;
  /** Errors: `lake.unknown-hook`. */
  remove(repository: string, name: string): Promise<void>;
  /** By name. */
  list(repository: string): Promise<Hook[]>;
  /** What hooks found, newest first. `after`: the id of the last one seen. */
  runs(repository: string, page: { readonly limit: number; readonly after?: string; readonly hook?: string }): Promise<HookRun[]>;
  /** Sends what waits to be told to webhooks, as far as it is due. */
  deliver(): Promise<void>;
  /** Waits for what runs behind commits. */
  settled(): Promise<void>;
  /** Errors: `lake.hook-refused`. */
  readonly guards: RepositoryGuards;
}

const TOPIC = "hook/";
const WEBHOOK_TIMEOUT_S = 10;
/** Runs of a hook that are kept. */
const RUNS_KEPT = 1000;

export function createHooks(resources: HooksResources): Hooks {
  const { records, webhook, clock = Date.now } = resources;
  const behind = new Set<Promise<unknown>>();
  const outbox = createOutbox({ records, notices: { name: "hooks", send }, now: clock, topics: TOPIC });

  const hooks: Hooks = {
    async put(repository, hook) {
      checkHook(hook);
      if (hook.kind === "webhook") driverOf(hook);
      const createdAt = clock();
      const { committed } = await records.commit([
        {
          sql: `INSERT INTO lake_hooks (repository, name, event, branches, kind, config, created_at) SELECT r.name, ?, ?, ?, ?, ?, ? FROM repositories r WHERE r.name = ?
            ON CONFLICT (repository, name) DO UPDATE SET event = excluded.event, branches = excluded.branches, kind = excluded.kind, config = excluded.config,
              created_at = excluded.created_at`,
          params: [
            hook.name,
            hook.event,
            JSON.stringify(hook.branches),
            hook.kind,
            JSON.stringify(hook.rule),
            createdAt,
            repository,
          ],
          rows: 1,
        },
      ]);
      if (!committed) throw await unknownRef(records, repository, "");
      return { ...hook, repository, createdAt };
    },

    async remove(repository, name) {
      const { committed } = await records.commit([
        { sql: "DELETE FROM lake_hooks WHERE repository = ? AND name = ?", params: [repository, name], rows: 1 },
        { sql: "DELETE FROM lake_hook_runs WHERE repository = ? AND hook = ?", params: [repository, name] },
      ]);
      if (!committed)
        throw new MillError("lake.unknown-hook", `The repository "${repository}" has no hook "${name}".`, {
          at: repository,
          fix: `\`mill lake hooks ${repository}\` lists them.`,
        });
    },

    list: (repository) => read("repository = ?", [repository]),

    async runs(repository, { limit, after, hook }) {
      const rows = await records.query<Omit<HookRun, "passed"> & { passed: number | null }>(
        `SELECT id, repository, hook, event, branch, commit_id AS "commit", passed, detail, at FROM lake_hook_runs
          WHERE repository = ?${after === undefined ? "" : " AND id < ?"}${hook === undefined ? "" : " AND hook = ?"} ORDER BY id DESC LIMIT ?`,
        [repository, ...(after === undefined ? [] : [after]), ...(hook === undefined ? [] : [hook]), limit],
      );
      return rows.map((row) => ({ ...row, passed: row.passed === null ? null : row.passed !== 0 }));
    },

    deliver: () => outbox.flush(),

    async settled() {
      while (behind.size > 0) await Promise.allSettled(behind);
    },

    guards: {
      async before(event) {
        const events = event.kind === "stage" ? null : eventsOf(event.kind);
        if (event.kind === "stage" || events === null) return [];
        const [pre, post] = events;
        const standing = (await read("repository = ? AND event IN (?, ?)", [event.repository, pre, post])).filter(
          ({ branches }) => branches.length === 0 || branches.some((pattern) => matchesPattern(pattern, event.branch)),
        );
        const statements: Statement[] = [];
        for (const hook of standing.filter((one) => one.event === pre)) {
          const outcome = await judge(hook, event);
          const run = runOf(hook, event, outcome, clock());
          if (!outcome.passed) {
            await records.commit(insertRun(run));
            throw refused(hook, event, outcome);
          }
          statements.push(...insertRun(run));
        }
        for (const hook of standing.filter((one) => one.event === post)) {
          const run = runOf(hook, event, null, clock());
          statements.push(...insertRun(run));
          if (hook.kind === "webhook") statements.push(...outbox.statements(topicOf(hook), bodyOf(hook, event, run.id)));
        }
        return statements;
      },

      async after(event) {
        const work = tell(event).catch(() => undefined); // what was not told stays in its row
        behind.add(work);
        void work.finally(() => behind.delete(work));
      },
    },
  };
  return hooks;

  async function read(where: string, params: readonly string[]): Promise<Hook[]> {
    const rows = await records.query<HookRow>(
      `SELECT repository, name, event, branches, kind, config, created_at AS "createdAt" FROM lake_hooks WHERE ${where} ORDER BY name`,
      params,
    );
    return rows.map(({ branches, kind, config, ...row }) => ({
      ...row,
      branches: JSON.parse(branches),
      ...ruleOf(kind, config),
    }));
  }

  async function judge(hook: Hook, event: MoveEvent): Promise<Outcome> {
    if (hook.kind === "files") return judgeFiles(hook.rule, event.changed());
    if (hook.kind === "table") return judgeTable(hook.rule, event, resources);
    const id = newId(clock());
    return driverOf(hook)
      .send({ id, topic: topicOf(hook), body: bodyOf(hook, event, id) })
      .then(
        () => passed(),
        (thrown: Error) => failed(thrown.message),
      );
  }

  /** Runs what was written down with a commit. */
  async function tell(event: MoveEvent): Promise<void> {
    const waiting = await records.query<{ id: string; hook: string }>(
      "SELECT id, hook FROM lake_hook_runs WHERE repository = ? AND branch = ? AND commit_id = ? AND passed IS NULL",
      [event.repository, event.branch, event.commit!.id],
    );
    if (waiting.length === 0) return;
    const standing = new Map((await hooks.list(event.repository)).map((hook) => [hook.name, hook]));
    for (const { id, hook: name } of waiting) {
      const hook = standing.get(name);
      if (!hook || hook.kind === "webhook") continue;
      await settle(id, await judge(hook, event).catch((thrown: Error) => failed(thrown.message)));
    }
    await outbox.flush();
  }

  /** The outbox sends to whichever hook a notice was written for. */
  async function send(notice: Parameters<Notices["send"]>[0]): Promise<void> {
    const [, repository, name] = notice.topic.split("/") as [string, string, string];
    const [hook] = await read("repository = ? AND name = ?", [repository, name]);
    const { run } = notice.body as { run: string };
    if (hook?.kind !== "webhook")
      throw new MillError("notice.gone", `There is no webhook "${name}" of "${repository}" any more.`, { at: notice.topic });
    await driverOf(hook)
      .send(notice)
      .then(
        () => settle(run, passed("told")),
        async (thrown: Error) => {
          await settle(run, failed(thrown.message));
          throw thrown;
        },
      );
  }

  async function settle(id: string, { passed, detail }: Outcome): Promise<void> {
    await records.commit([
      { sql: "UPDATE lake_hook_runs SET passed = ?, detail = ? WHERE id = ?", params: [passed ? 1 : 0, shortened(detail), id] },
    ]);
  }

  function driverOf({ name, rule }: Pick<Hook, "name"> & Extract<Rule, { kind: "webhook" }>): Notices {
    if (webhook) return webhook(rule.url, (rule.timeoutSeconds ?? WEBHOOK_TIMEOUT_S) * 1000);
    throw badHook(name, "Millwright has no secret that it could sign with", "webhookSecret");
  }
}

interface HookRow {
  readonly repository: string;
  readonly name: string;
  readonly event: HookEvent;
  readonly branches: string;
  readonly kind: Rule["kind"];
  readonly config: string;
  readonly createdAt: number;
}

const ruleOf = (kind: Rule["kind"], config: string): Rule => ({ kind, rule: JSON.parse(config) }) as Rule;
const topicOf = ({ repository, name }: Hook) => `${TOPIC}${repository}/${name}`;

/** What a webhook gets. `run`: what `mill lake hooks` shows it as. */
function bodyOf({ name, event: told }: Hook, { repository, branch, actor, commit }: MoveEvent, run: string): Json {
  const { id, parents, message, author, createdAt } = commit!;
  return {
    ...{ event: told, hook: name, run, repository, branch, actor },
    commit: { id, parents: [...parents], message, author, createdAt: new Date(createdAt).toISOString() },
  };
}

function runOf(hook: Hook, { repository, branch, commit }: MoveEvent, outcome: Outcome | null, at: number): HookRun {
  const { passed = null, detail = "" } = outcome ?? {};
  return { id: newId(at), repository, hook: hook.name, event: hook.event, branch, commit: commit!.id, passed, detail, at };
}

const DETAIL_MAX = 1000;
const shortened = (text: string) => text.toWellFormed().replaceAll("\0", "").slice(0, DETAIL_MAX);

const insertRun = ({ id, repository, hook, event, branch, commit, passed, detail, at }: HookRun): Statement[] => [
  {
    sql: "INSERT INTO lake_hook_runs (id, repository, hook, event, branch, commit_id, passed, detail, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    params: [id, repository, hook, event, branch, commit, passed === null ? null : passed ? 1 : 0, shortened(detail), at],
  },
  {
    sql: `DELETE FROM lake_hook_runs WHERE repository = ? AND hook = ? AND id <= (SELECT id FROM lake_hook_runs r
      WHERE r.repository = ? AND r.hook = ? ORDER BY r.id DESC LIMIT 1 OFFSET ${RUNS_KEPT})`,
    params: [repository, hook, repository, hook],
  },
];

/** Errors: `lake.bad-hook`. */
function checkHook(hook: NewHook): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(hook.name))
    throw badHook(hook.name, "its name has other characters than a-z, 0-9 and -", "name");
  if (hook.kind === "table" && hook.rule.table !== "" && !hook.rule.table.endsWith("/"))
    throw badHook(hook.name, "a table is named by its folder, with / at the end, or by nothing", "table");
  if (hook.kind === "table" && hook.rule.unique?.some((columns) => columns.length === 0))
    throw badHook(hook.name, "a row cannot be unique in no column", "unique");
}

const badHook = (name: string, why: string, at: string) =>
  new MillError("lake.bad-hook", `The hook "${name}" cannot be made: ${why}.`, {
    at,
    got: name,
    fix: "Correct it; `mill lake hook --help` shows an example.",
  });

const refused = ({ name, event: asked }: Hook, { repository, branch }: MoveEvent, { detail }: Outcome) =>
  new MillError("lake.hook-refused", `The hook "${name}" (${asked}) refused it: ${shortened(detail)}`, {
    at: `${repository}/${branch}`,
    fix: `Correct what it found and try again; \`mill lake hooks ${repository}\` shows the hooks and what they found.`,
  });
