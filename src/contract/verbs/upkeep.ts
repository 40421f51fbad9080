/** What keeps the lake in order: locks, hooks, retention, collection, verification. */
import { boolean, either, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { digest, id, instant, limit, name, pageOf } from "./nouns.ts";
import { administers, edits, operates, reads, streamed } from "./verb.ts";

const repository = name;
const branch = text({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description: "Name of a branch" });
const page = { limit: optional(limit), cursor: optional(text({ maxLength: 3000, description: "`next` of the page before" })) };

const prefix = text({ maxLength: 1024, description: "Below which the lock counts; empty: the whole branch" });
const lock = object({ branch: text(), prefix: text(), holder: text(), why: text(), since: instant, until: instant });

export const listLocks = reads({
  about: "List the locks of a repository that hold.",
  example: "mill lake locks photos",
  input: object({ repository, ...page }),
  output: pageOf(lock),
  http: { method: "GET", path: "/v1/repositories/:repository/locks" },
});

export const takeLock = edits({
  about:
    "Hold a branch, or what lies below a prefix of it, for a while: what others stage, commit, merge or reset there is refused.",
  example: "mill lake lock photos@main cats/ --why 'Relabelling' --minutes 30",
  input: object({
    repository,
    branch,
    prefix: optional(prefix),
    why: text({ pattern: "\\S", maxLength: 500 }),
    minutes: optional(number({ minimum: 0.1, maximum: 43_200, default: 60 })),
  }),
  output: lock,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/lock" },
});

const released = object({ branch: text(), prefix: text() });

export const releaseLock = edits({
  about: "Release a lock of one's own.",
  example: "mill lake unlock photos@main cats/",
  input: object({ repository, branch, prefix: optional(prefix) }),
  output: released,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/unlock" },
});

export const breakLock = administers({
  about: "Release a lock, whoever holds it.",
  example: "mill lake unlock photos@main cats/ --force",
  input: object({ repository, branch, prefix: optional(prefix) }),
  output: released,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/break-lock" },
});

const hookName = text({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$", description: "Name of a hook" });
const patterns = list(text({ pattern: "^.+$", maxLength: 200 }), { maxItems: 100 });
const seconds = number({ minimum: 0.1, maximum: 600 });
const rules = {
  files: optional(
    object(
      {
        allow: optional(patterns),
        sizeBytesMax: optional(integer({ minimum: 0 })),
        keep: optional(patterns),
      },
      {
        description:
          "Paths that may be put, how long objects may be, and paths that must not be removed; `*` is anything but `/`, `**` anything",
      },
    ),
  ),
  table: optional(
    object(
      {
        table: text({ maxLength: 1024, description: "Its folder with the `/`; empty: the root" }),
        compatible: optional(boolean({ description: "Columns stay, with their types" })),
        fallMax: optional(number({ minimum: 0, maximum: 1, description: "The share of its rows that it may lose" })),
        unique: optional(list(list(text({ maxLength: 200 }), { minItems: 1, maxItems: 100 }), { maxItems: 20 })),
        checks: optional(
          list(
            object({
              sql: text({ pattern: "\\S", maxLength: 10_000, description: "True or false of a row; what is neither holds" }),
              share: optional(number({ minimum: 0, maximum: 1, description: "Of the rows, that must hold; default: all" })),
              text: optional(text({ maxLength: 500, description: "What it says, in words" })),
            }),
            { maxItems: 100 },
          ),
        ),
        timeoutSeconds: optional(seconds),
      },
      { description: "What the rows of a table must be like" },
    ),
  ),
  webhook: optional(
    object(
      { url: text({ maxLength: 2000, description: "http or https; or secret:NAME" }), timeoutSeconds: optional(seconds) },
      { description: "Somebody outside, who refuses with another answer than 200 to 299" },
    ),
  ),
};
const hookFields = {
  name: hookName,
  event: oneOf(["pre-commit", "post-commit", "pre-merge", "post-merge"], {
    description: "Asked before, or told afterwards; a revert and a cherry-pick are asked as merges are",
  }),
  branches: optional(
    list(text({ pattern: "^[A-Za-z0-9._*-]{1,100}$" }), { maxItems: 100, description: "Names, or patterns with `*`; none: all" }),
  ),
  ...rules,
};
const hookRun = object({
  id,
  hook: text(),
  event: text(),
  branch: text(),
  commit: text({ description: "Of a change that was refused: the commit that it would have been" }),
  passed: orNull(boolean({ description: "null: it is under way, or was cut off" })),
  detail: text(),
  at: instant,
});
const hook = object({ ...hookFields, createdAt: instant, last: orNull(hookRun) });

export const listHooks = reads({
  about: "List the hooks of a repository, each with what it found last.",
  example: "mill lake hooks photos",
  input: object({ repository, ...page }),
  output: pageOf(hook),
  http: { method: "GET", path: "/v1/repositories/:repository/hooks" },
});

export const listHookRuns = reads({
  about: "List what the hooks of a repository found, newest first.",
  example: "mill lake hook-runs photos --hook labels",
  input: object({ repository, hook: optional(hookName), ...page }),
  output: pageOf(hookRun),
  http: { method: "GET", path: "/v1/repositories/:repository/hook-runs" },
});

export const putHook = administers({
  about: "Let something be asked before commits or merges, or told afterwards: of paths, of rows, or of somebody outside.",
  example: 'mill lake hook photos only-images --event pre-commit --files \'{"allow": ["cats/*.png"]}\'',
  input: object({ repository, ...hookFields }),
  output: hook,
  http: { method: "POST", path: "/v1/repositories/:repository/hooks" },
});

export const deleteHook = administers({
  about: "Take a hook away, with what it found.",
  example: "mill lake hook photos only-images --delete",
  input: object({ repository, hook: hookName }),
  output: object({ hook: text() }),
  http: { method: "POST", path: "/v1/repositories/:repository/hooks/:hook/delete" },
});

const days = number({ minimum: 0, maximum: 36_500 });
const rule = object({
  keepDays: optional({
    ...days,
    description: "Of every branch that `branches` does not name, and of commits that no branch leads to; none: for ever",
  }),
  branches: optional(
    list(object({ branch: text({ pattern: "^[A-Za-z0-9._*-]{1,100}$" }), keepDays: days }), {
      maxItems: 100,
      description: "By name, or pattern with `*`; the first that fits counts",
    }),
  ),
  keepTags: optional(boolean({ description: "Whether tagged commits stay; they do when it is left out" })),
});

export const getRetention = reads({
  about: "Show how long a repository keeps its commits; without a rule for ever.",
  example: "mill lake retention photos",
  input: object({ repository }),
  output: object({ repository: text(), rule: orNull(rule) }),
  http: { method: "GET", path: "/v1/repositories/:repository/retention" },
});

export const setRetention = administers({
  about: "Say how long a repository keeps its commits; the next collection gives up what is older.",
  example: "mill lake retention photos --days 30 --branches 'main=365,release-*=3650'",
  input: object({ repository, rule: orNull(rule) }),
  output: object({ repository: text(), rule: orNull(rule) }),
  http: { method: "POST", path: "/v1/repositories/:repository/retention" },
});

const collection = object({
  id,
  dryRun: boolean({ description: "It only told what would go" }),
  graceHours: number(),
  objects: integer({ description: "Removed, or to be removed" }),
  bytes: integer(),
  kept: integer(),
  commits: integer({ description: "Given up by retention" }),
  uploads: integer({ description: "Ended, because nobody went on with them" }),
  proof: orNull({ ...digest, description: "The object that names each one that went, a line of JSON each" }),
  startedAt: instant,
  endedAt: orNull(instant),
});

/** One line of a collection; the last is `collected`. */
const collectEvent = either(
  object({
    event: oneOf(["collecting"]),
    phase: oneOf(["marking", "looking", "removing"]),
    objects: integer({ description: "So far marked, looked at, removed" }),
  }),
  object({ event: oneOf(["collected"]), collection }),
);

export const collect = streamed(
  administers({
    about: "Tell which objects nothing refers to, or remove them.",
    example: "mill lake collect --remove",
    input: object({
      remove: optional(boolean({ default: false })),
      graceHours: optional(
        number({
          minimum: 0,
          maximum: 8760,
          default: 24,
          description: "What was put within this time stays; longer than the longest step",
        }),
      ),
    }),
    output: collectEvent,
    http: { method: "POST", path: "/v1/collections" },
  }),
);

export const listCollections = reads({
  about: "List collections, newest first.",
  example: "mill lake collections",
  input: object(page),
  output: pageOf(collection),
  http: { method: "GET", path: "/v1/collections" },
});

export const showCollection = streamed(
  reads({
    about: "Name each object that a collection removed, or of a dry run would have.",
    example: "mill lake collections 01997b4e-0d52-7c3a-9f61-2b7f0a6c1e55",
    input: object({ collection: id }),
    output: object({ digest, sizeBytes: integer(), lastPut: instant, why: oneOf(["retention", "upload", "unreferenced"]) }),
    http: { method: "GET", path: "/v1/collections/:collection/objects" },
  }),
);

const counts = {
  repositories: integer(),
  commits: integer(),
  nodes: integer(),
  objects: integer(),
  bytes: integer(),
  faults: integer(),
};

/** One line of a verification; the last is `verified`. */
const verifyEvent = either(
  object({
    event: oneOf(["fault"]),
    repository: orNull(text()),
    at: text({ description: "What refers to it: a commit, a branch, a tag, a pin" }),
    path: text(),
    digest: text(),
    what: text(),
  }),
  object({ event: oneOf(["progress"]), repository: text(), ...counts }),
  object({ event: oneOf(["verified"]), ...counts }),
);

export const verify = streamed(
  operates({
    about: "Look whether all that the lake says is there, and is what it says: refs, commits, trees, objects.",
    example: "mill lake verify photos --content",
    input: object({
      repository: optional({ ...repository, description: "Left out: all of them, and what is pinned" }),
      content: optional(boolean({ default: false, description: "Read every object, and not only look whether it is there" })),
    }),
    output: verifyEvent,
    http: { method: "POST", path: "/v1/verifications" },
  }),
);
