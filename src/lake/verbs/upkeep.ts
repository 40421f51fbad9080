/** Locks, hooks, retention, collection, verification. */
import { once } from "node:events";
import { type Digest, eventQueue, MillError } from "../../base/index.ts";
import type { Handlers, InputOf, OutputOf } from "../../contract/index.ts";
import type { Collection } from "../collect/collections.ts";
import type { Retention } from "../collect/retention.ts";
import type { Hook, HookRun, NewHook, Rule } from "../hooks/hook.ts";
import type { Lake } from "../lake.ts";
import type { Lock } from "../locks/locks.ts";
import { instant, pageOf, toPage } from "./wire.ts";

type UpkeepVerbs = Pick<
  Handlers,
  | "listLocks"
  | "takeLock"
  | "releaseLock"
  | "breakLock"
  | "listHooks"
  | "listHookRuns"
  | "putHook"
  | "deleteHook"
  | "getRetention"
  | "setRetention"
  | "collect"
  | "listCollections"
  | "showCollection"
  | "verify"
  | "beginBackup"
>;

const HOUR_MS = 3_600_000;

export function upkeepVerbs({
  locks,
  hooks,
  collector,
  verify,
  sealAll,
}: Pick<Lake, "locks" | "hooks" | "collector" | "verify" | "sealAll">): UpkeepVerbs {
  return {
    async listLocks({ repository, cursor = "", ...page }) {
      const held = (await locks.list(repository)).filter((lock) => cursorOf(lock) > cursor);
      return pageOf(held.map(lockOnWire), page, cursorOf);
    },
    takeLock: async ({ repository, branch, prefix = "", why, minutes }, { actor }) =>
      lockOnWire(await locks.take({ repository, branch, prefix, why, holder: actor, forMs: minutes! * 60_000 })),
    async releaseLock({ repository, branch, prefix = "" }, { actor }) {
      await locks.release({ repository, branch, prefix }, actor);
      return { branch, prefix };
    },
    async breakLock({ repository, branch, prefix = "" }) {
      await locks.release({ repository, branch, prefix });
      return { branch, prefix };
    },

    async listHooks({ repository, cursor = "", ...page }) {
      const found = (await hooks.list(repository)).filter(({ name }) => name > cursor);
      const items = await Promise.all(found.map(async (hook) => hookOnWire(hook, await lastRun(hook))));
      return pageOf(items, page, ({ name }) => name);
    },
    async listHookRuns({ repository, hook, ...page }) {
      const found = await hooks.runs(repository, { ...toPage(page), ...(hook !== undefined && { hook }) });
      return pageOf(found.map(runOnWire), page, ({ id }) => id);
    },
    async putHook({ repository, ...fields }) {
      const hook = await hooks.put(repository, readHook(fields));
      return hookOnWire(hook, await lastRun(hook));
    },
    async deleteHook({ repository, hook }) {
      await hooks.remove(repository, hook);
      return { hook };
    },

    getRetention: async ({ repository }) => ({ repository, rule: ruleOnWire(await collector.retention(repository)) }),
    async setRetention({ repository, rule }) {
      await collector.setRetention(repository, rule && readRule(rule));
      return { repository, rule };
    },

    collect({ remove, graceHours }) {
      const { push, closeWith, events } = eventQueue<OutputOf<"collect">>();
      const work = collector.collect({
        remove: remove!,
        graceMs: graceHours! * HOUR_MS,
        progress: (line) => push({ event: "collecting", ...line }),
      });
      void closeWith(work.then((collection) => push({ event: "collected", collection: collectionOnWire(collection) })));
      return events;
    },
    async listCollections(page) {
      const found = await collector.collections(toPage(page));
      return pageOf(found.map(collectionOnWire), page, ({ id }) => id);
    },
    async *showCollection({ collection }) {
      for await (const { lastPut, ...gone } of collector.proof(collection)) yield { ...gone, lastPut: instant(lastPut) };
    },

    verify: ({ repository, content }) => verify({ content: content!, ...(repository !== undefined && { repository }) }),

    async *beginBackup(_, { signal }) {
      const release = await collector.hold();
      try {
        await sealAll();
        yield { event: "ready", at: instant(Date.now()) };
        if (!signal.aborted) await once(signal, "abort");
      } finally {
        release();
      }
    },
  };

  async function lastRun({ repository, name }: Hook): Promise<HookRun | null> {
    return (await hooks.runs(repository, { limit: 1, hook: name }))[0] ?? null;
  }
}

const cursorOf = ({ branch, prefix }: Pick<Lock, "branch" | "prefix">) => `${branch}/${prefix}`;

const lockOnWire = ({ branch, prefix, holder, why, since, until }: Lock): OutputOf<"takeLock"> => ({
  branch,
  prefix,
  holder,
  why,
  since: instant(since),
  until: instant(until),
});

/** Errors: `lake.bad-hook` unless it has one rule. */
function readHook({ name, event, branches = [], ...given }: Omit<InputOf<"putHook">, "repository">): NewHook {
  const rules = Object.entries(given).filter(([, rule]) => rule !== undefined);
  const [only] = rules;
  if (only && rules.length === 1) return { name, event, branches, ...({ kind: only[0], rule: only[1] } as Rule) };
  throw new MillError("lake.bad-hook", `The hook "${name}" needs one rule.`, {
    expected: "files, table or webhook",
    got: rules.map(([kind]) => kind).join(" and ") || "none",
    fix: "Make a hook for each.",
  });
}

const hookOnWire = ({ name, event, branches, kind, rule, createdAt }: Hook, last: HookRun | null): OutputOf<"putHook"> => ({
  name,
  event,
  branches,
  [kind]: rule,
  createdAt: instant(createdAt),
  last: last && runOnWire(last),
});

const runOnWire = ({ repository: _, at, ...run }: HookRun): OutputOf<"listHookRuns">["items"][number] => ({
  ...run,
  at: instant(at),
});

type RuleOnWire = NonNullable<OutputOf<"getRetention">["rule"]>;

const ruleOnWire = (rule: Retention | null): RuleOnWire | null => {
  if (rule === null) return null;
  const { branches, ...rest } = rule;
  return { ...rest, ...(branches && { branches: Object.entries(branches).map(([branch, keepDays]) => ({ branch, keepDays })) }) };
};

function readRule({ keepDays, branches, keepTags }: RuleOnWire): Retention {
  return {
    ...(keepDays !== undefined && { keepDays }),
    ...(branches && { branches: Object.fromEntries(branches.map(({ branch, keepDays }) => [branch, keepDays])) }),
    ...(keepTags !== undefined && { keepTags }),
  };
}

const collectionOnWire = ({
  graceMs,
  startedAt,
  endedAt,
  proof,
  ...rest
}: Collection): OutputOf<"listCollections">["items"][number] => ({
  ...rest,
  proof: proof as Digest | null,
  graceHours: graceMs / HOUR_MS,
  startedAt: instant(startedAt),
  endedAt: endedAt === null ? null : instant(endedAt),
});
