/** Repositories of the lake: refs, commits, what is staged, and how branches come together. Bytes go through the S3 door. */
import { boolean, fieldsOf, integer, list, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { digest, instant, limit, name, pageOf } from "./nouns.ts";
import { administers, edits, reads } from "./verb.ts";

const repository = name;
const ref = text({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(~\\d+)?$",
  description: "A branch, a tag, or a commit by 8 digits of its id at least; `~2` behind it: its second ancestor",
});
const branch = text({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description: "Name of a branch" });
const path = text({ pattern: "^[\\s\\S]+$", maxLength: 1024, description: "Path of an object" });
const prefix = text({ maxLength: 1024, description: "Only paths that begin so" });
const page = { limit: optional(limit), cursor: optional(text({ maxLength: 3000, description: "`next` of the page before" })) };

const repositoryInfo = {
  name: repository,
  defaultBranch: branch,
  bucketBranch: orNull(
    text({ description: "The branch that the bucket of this name shows; null: refs are its first path elements" }),
  ),
  createdAt: instant,
  createdBy: text(),
};

export const listRepositories = reads({
  about: "List the repositories of the lake; every data set is one.",
  example: "mill lake list",
  input: object(page),
  output: pageOf(object(repositoryInfo)),
  http: { method: "GET", path: "/v1/repositories" },
});

export const createRepository = edits({
  about: "Make a repository, with a branch `main`.",
  example: "mill lake create photos",
  input: object({
    name: repository,
    bucketBranch: optional({ ...branch, description: "Let the bucket of this name show this branch, as an ordinary bucket" }),
  }),
  output: object(repositoryInfo),
  http: { method: "POST", path: "/v1/repositories" },
});

export const getRepository = reads({
  about: "Show a repository and how much its default branch holds.",
  example: "mill lake show photos",
  input: object({ repository }),
  output: object({ ...repositoryInfo, head: digest, objects: integer({ description: "Committed on the default branch" }) }),
  http: { method: "GET", path: "/v1/repositories/:repository" },
});

export const deleteRepository = administers({
  about: "Take a repository with all its refs away; what nothing else pins is freed by the next collection.",
  example: "mill lake delete photos",
  input: object({ repository }),
  output: object({ repository }),
  http: { method: "POST", path: "/v1/repositories/:repository/delete" },
});

const branchInfo = object({ name: branch, head: digest, protected: boolean() });
const tagInfo = object({ name: text(), commit: digest, createdAt: instant });

export const listBranches = reads({
  about: "List the branches of a repository.",
  example: "mill lake branches photos",
  input: object({ repository, ...page }),
  output: pageOf(branchInfo),
  http: { method: "GET", path: "/v1/repositories/:repository/branches" },
});

export const createBranch = edits({
  about: "Make a branch; it costs the same however much it holds.",
  example: "mill lake branch photos@main relabel",
  input: object({ repository, branch, from: optional(ref) }),
  output: branchInfo,
  http: { method: "POST", path: "/v1/repositories/:repository/branches" },
});

export const deleteBranch = edits({
  about: "Take a branch away, with what is staged on it.",
  example: "mill lake branch photos relabel --delete",
  input: object({ repository, branch }),
  output: object({ branch }),
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/delete" },
});

export const protectBranch = administers({
  about: "Let a branch change by merges and reverts alone, or let it be changed freely again.",
  example: "mill lake protect photos@main",
  input: object({ repository, branch, on: boolean() }),
  output: branchInfo,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/protect" },
});

export const listTags = reads({
  about: "List the tags of a repository.",
  example: "mill lake tags photos",
  input: object({ repository, ...page }),
  output: pageOf(tagInfo),
  http: { method: "GET", path: "/v1/repositories/:repository/tags" },
});

export const createTag = edits({
  about: "Name a commit for good.",
  example: "mill lake tag photos@main release-1",
  input: object({ repository, tag: branch, ref }),
  output: tagInfo,
  http: { method: "POST", path: "/v1/repositories/:repository/tags" },
});

export const deleteTag = edits({
  about: "Take a tag away.",
  example: "mill lake tag photos release-1 --delete",
  input: object({ repository, tag: branch }),
  output: object({ tag: text() }),
  http: { method: "POST", path: "/v1/repositories/:repository/tags/:tag/delete" },
});

const entry = object({
  digest,
  sizeBytes: integer(),
  etag: text(),
  modifiedAt: instant,
  contentType: optional(text()),
  metadata: optional(fieldsOf(text())),
});

export const listObjects = reads({
  about: "List the objects of a ref in the order of their paths; on a branch what is staged counts.",
  example: "mill lake ls photos@main cats/",
  input: object({ repository, ref, prefix: optional(prefix), delimiter: optional(text({ maxLength: 100 })), ...page }),
  output: pageOf(object({ path: text(), entry: orNull(entry) })),
  http: { method: "GET", path: "/v1/repositories/:repository/refs/:ref/objects" },
});

export const removeObjects = edits({
  about: "Stage the removal of objects: of these paths, or of all below a prefix.",
  example: "mill lake rm photos@relabel cats/old.png",
  input: object({ repository, branch, paths: optional(list(path, { maxItems: 1000 })), prefix: optional(prefix) }),
  output: object({ removed: integer() }),
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/remove" },
});

const pathDifference = object({
  path: text(),
  kind: oneOf(["added", "changed", "removed"]),
  before: orNull(entry),
  after: orNull(entry),
});

export const listStaged = reads({
  about: "List what is staged on a branch and not committed yet.",
  example: "mill lake status photos@relabel",
  input: object({ repository, branch, ...page }),
  output: pageOf(pathDifference),
  http: { method: "GET", path: "/v1/repositories/:repository/branches/:branch/staged" },
});

export const resetBranch = edits({
  about: "Take back what is staged on a branch, all or below a prefix; or set it to another commit.",
  example: "mill lake reset photos@relabel --to main~1",
  input: object({ repository, branch, prefix: optional(prefix), to: optional(ref), expect: optional(digest) }),
  output: branchInfo,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/reset" },
});

const commitInfo = object({
  id: digest,
  parents: list(digest),
  message: text(),
  author: text(),
  createdAt: instant,
  metadata: fieldsOf(text()),
});
const commitFields = {
  message: text({ pattern: "\\S", maxLength: 10_000 }),
  metadata: optional(fieldsOf(text({ maxLength: 2000 }))),
  expect: optional({ ...digest, description: "The head that was seen: with another one nothing happens" }),
};

export const commit = edits({
  about: "Commit what is staged on a branch.",
  example: "mill lake commit photos@relabel --message 'Better labels'",
  input: object({ repository, branch, ...commitFields }),
  output: commitInfo,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/commit" },
});

export const listCommits = reads({
  about: "List the commits behind a ref, newest first; with a path only those that changed it.",
  example: "mill lake log photos@main --path cats/1.png",
  input: object({
    repository,
    ref,
    path: optional(text({ maxLength: 1024, description: "A path; with `/` at its end all below it" })),
    ...page,
  }),
  output: pageOf(commitInfo),
  http: { method: "GET", path: "/v1/repositories/:repository/refs/:ref/commits" },
});

const rowCounts = object({ added: integer(), removed: integer(), changed: integer() });

export const diffRefs = reads({
  about: "Show which objects differ between two refs, and of tables how many rows.",
  example: "mill lake diff photos@main photos@relabel",
  input: object({
    repository,
    before: ref,
    after: ref,
    prefix: optional(prefix),
    rows: optional(boolean({ default: false })),
    ...page,
  }),
  output: object({
    items: list(pathDifference),
    next: orNull(text()),
    tables: optional(
      list(object({ table: text(), rows: orNull(rowCounts), note: optional(text()) }), {
        description:
          "Where rows were asked for: each table that differs, `` is the repository's root; null: it could not be compared",
      }),
    ),
  }),
  http: { method: "GET", path: "/v1/repositories/:repository/refs/:before/diff/:after" },
});

const side = oneOf(["ours", "theirs"]);
const mergeFields = {
  strategy: optional({
    ...side,
    description: "Which side counts in every conflict; none: conflicts are told and nothing is merged",
  }),
  resolutions: optional(fieldsOf(side, { description: "Which side counts, by path" })),
  rows: optional(boolean({ default: true, description: "Merge tables that have a key row by row" })),
};
const merged = object({
  merged: boolean({ description: "false with no conflicts: there was nothing to bring in" }),
  commit: orNull(commitInfo),
  conflictCount: integer(),
  conflicts: list(
    object({
      path: text(),
      base: orNull(entry),
      ours: orNull(entry),
      theirs: orNull(entry),
      rows: optional(integer({ description: "Of a table that was merged row by row: rows that both sides changed" })),
    }),
  ),
});

export const merge = edits({
  about: "Bring into a branch what another ref changed since they parted.",
  example: "mill lake merge photos@relabel main",
  input: object({ repository, branch, from: ref, ...commitFields, message: optional(commitFields.message), ...mergeFields }),
  output: merged,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/merge" },
});

export const revert = edits({
  about: "Take back on a branch what a commit changed.",
  example: "mill lake revert photos@main 3f2a90c1",
  input: object({ repository, branch, commit: ref, ...commitFields, message: optional(commitFields.message), ...mergeFields }),
  output: merged,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/revert" },
});

export const cherryPick = edits({
  about: "Make on a branch what a commit changed elsewhere.",
  example: "mill lake cherry-pick photos@main 3f2a90c1",
  input: object({ repository, branch, commit: ref, ...commitFields, message: optional(commitFields.message), ...mergeFields }),
  output: merged,
  http: { method: "POST", path: "/v1/repositories/:repository/branches/:branch/cherry-pick" },
});
