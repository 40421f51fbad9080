/** Random histories against maps: many paths with few contents, so that identity alone never tells what happened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MillError } from "../../base/index.ts";
import { entryOf, openRepositories } from "./fixtures/open.ts";
import type { MergeOutcome, Repository } from "./repository.ts";

const PATHS = ["a", "a/", "a/b", "a/b/c", "a0", "b", "dir/_SUCCESS", "other/_SUCCESS", "é", "\u{1F600}", "\uFFFD", "z", "zz"];
const CONTENTS = ["", "one", "two"];
const BRANCHES = ["main", "left", "right"];

type Files = ReadonlyMap<string, string>;

interface ModelCommit {
  readonly id: string;
  readonly files: Files;
  readonly parents: readonly ModelCommit[];
}

interface ModelBranch {
  head: ModelCommit;
  working: Files;
}

type Refusal = { readonly refused: string };
type Step = (model: Model, repository: Repository) => Promise<void>;

class Model {
  readonly branches = new Map<string, ModelBranch>();
  readonly commits: ModelCommit[] = [];

  commit(branch: string, id: string, files: Files, others: readonly ModelCommit[] = []): void {
    const { head } = this.branches.get(branch)!;
    const commit = { id, files, parents: [head, ...others] };
    this.commits.push(commit);
    this.branches.get(branch)!.head = commit;
  }
}

const branch = fc.constantFrom(...BRANCHES);
const change = fc.record({ path: fc.constantFrom(...PATHS), content: fc.option(fc.constantFrom(...CONTENTS)) });
const strategy = fc.constantFrom("ours" as const, "theirs" as const, undefined);

const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(branch, fc.array(change, { minLength: 1, maxLength: 6 }), fc.boolean()).map(staging) },
  { weight: 2, arbitrary: fc.tuple(branch, fc.constantFrom(...PATHS), fc.constantFrom(...PATHS)).map(renaming) },
  { weight: 4, arbitrary: branch.map(committing) },
  { weight: 4, arbitrary: fc.tuple(branch, branch, strategy, fc.constantFrom(...PATHS)).map(merging) },
  { weight: 1, arbitrary: fc.tuple(branch, fc.nat(50), strategy, fc.boolean()).map(applying) },
  { weight: 1, arbitrary: fc.tuple(branch, fc.constantFrom("", "a/", "dir/")).map(resetting) },
  { weight: 1, arbitrary: fc.tuple(branch, fc.nat(50)).map(resettingTo) },
);

test("any history of stages, commits, merges, reverts and resets leaves what maps would hold", { timeout: 600_000 }, async () => {
  await using opened = await openRepositories({ foldAt: { rows: 5, removed: 3 } });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const name = `history-${round++}`;
      await opened.repositories.create({ name, actor: "test" });
      const repository = opened.repositories.of(name);
      const first = await repository.commitOf("main");
      const model = new Model();
      const root: ModelCommit = { id: first.id, files: new Map(), parents: [] };
      model.commits.push(root);
      for (const each of BRANCHES) {
        if (each !== "main") await repository.createBranch(each, "main");
        model.branches.set(each, { head: root, working: new Map() });
      }
      for (const [, run] of steps) {
        await run(model, repository);
        await compare(model, repository);
      }
    }),
    { numRuns: 60, seed: 20261121 },
  );
});

async function compare(model: Model, repository: Repository): Promise<void> {
  for (const [name, { head, working }] of model.branches) {
    assert.equal((await repository.branch(name)).head, head.id);
    assert.deepEqual(await filesOf(repository, name), sorted(working), `what ${name} holds`);
    const found = await repository.uncommitted(name, { limit: 100 });
    assert.deepEqual(
      found.map(({ path }) => path),
      sorted(differing(head.files, working)).map(([path]) => path),
      `what is staged on ${name}`,
    );
  }
}

function staging([name, changes, asStream]: [string, { path: string; content: string | null }[], boolean]): [string, Step] {
  const last = new Map(changes.map(({ path, content }) => [path, content]));
  return [
    `stage ${name}`,
    async (model, repository) => {
      const made = changes.map(({ path, content }) => ({ path, entry: content === null ? null : entryOf(content) }));
      if (asStream) {
        const unique = [...new Map(made.map((one) => [one.path, one])).values()];
        const ordered = unique.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
        const count = await repository.stageMany(
          name,
          (async function* () {
            for (const one of ordered) yield [one];
          })(),
        );
        assert.equal(count, last.size);
      } else await repository.stage(name, made);
      const state = model.branches.get(name)!;
      state.working = changed(state.working, last);
    },
  ];
}

function renaming([name, from, to]: [string, string, string]): [string, Step] {
  return [
    `rename ${name} ${from} ${to}`,
    async (model, repository) => {
      const state = model.branches.get(name)!;
      const entry = await repository.entry(name, from);
      assert.equal(entry?.etag, state.working.has(from) ? entryOf(state.working.get(from)!).etag : undefined);
      if (!entry || from === to) return;
      await repository.stage(name, [
        { path: from, entry: null },
        { path: to, entry },
      ]);
      state.working = changed(
        state.working,
        new Map([
          [from, null],
          [to, state.working.get(from)!],
        ]),
      );
    },
  ];
}

function committing(name: string): [string, Step] {
  return [
    `commit ${name}`,
    async (model, repository) => {
      const { head, working } = model.branches.get(name)!;
      const outcome = await attempt(repository.commit(name, { message: "m", author: "test" }));
      if (differing(head.files, working).size === 0) return assert.deepEqual(outcome, { refused: "lake.nothing-staged" });
      assert.ok("id" in outcome, JSON.stringify(outcome));
      model.commit(name, outcome.id, working);
    },
  ];
}

function merging([from, into, chosen, theirsAt]: [string, string, "ours" | "theirs" | undefined, string]): [string, Step] {
  return [
    `merge ${from} -> ${into}`,
    async (model, repository) => {
      const theirs = model.branches.get(from)!.head;
      const ours = model.branches.get(into)!.head;
      const base = baseOf(ours, theirs);
      const outcome = await attempt(
        repository.merge(from, into, {
          message: "merge",
          author: "test",
          ...(chosen && { strategy: chosen }),
          resolutions: { [theirsAt]: "theirs" },
        }),
      );
      if (base === theirs) return assert.ok(!isRefusal(outcome) && !outcome.merged && outcome.commit?.id === ours.id);
      expectBrought(model, into, outcome, base.files, theirs.files, (path) => (path === theirsAt ? "theirs" : chosen), [theirs]);
    },
  ];
}

function applying([name, index, chosen, back]: [string, number, "ours" | "theirs" | undefined, boolean]): [string, Step] {
  return [
    `${back ? "revert" : "cherry-pick"} on ${name}`,
    async (model, repository) => {
      const commit = model.commits[index % model.commits.length]!;
      const before = commit.parents[0]?.files ?? new Map();
      const [base, theirs] = back ? [commit.files, before] : [before, commit.files];
      const apply = back ? repository.revert : repository.cherryPick;
      const outcome = await attempt(
        apply(name, commit.id, { message: "apply", author: "test", ...(chosen && { strategy: chosen }) }),
      );
      expectBrought(model, name, outcome, base, theirs, () => chosen, []);
    },
  ];
}

function expectBrought(
  model: Model,
  name: string,
  outcome: MergeOutcome | Refusal,
  base: Files,
  theirs: Files,
  choose: (path: string) => "ours" | "theirs" | undefined,
  others: readonly ModelCommit[],
): void {
  const state = model.branches.get(name)!;
  const ours = state.head.files;
  const merged = new Map(ours);
  const conflicts: string[] = [];
  for (const path of PATHS) {
    const [b, o, t] = [base.get(path), ours.get(path), theirs.get(path)];
    if (t === b || o === t) continue;
    const side = o === b ? "theirs" : choose(path);
    if (side === undefined) conflicts.push(path);
    else if (side === "theirs") t === undefined ? merged.delete(path) : merged.set(path, t);
  }
  if (conflicts.length > 0) {
    assert.ok(!isRefusal(outcome) && !outcome.merged, `expected conflicts at ${conflicts}`);
    assert.deepEqual(outcome.conflicts.map(({ path }) => path).sort(), conflicts.sort());
    assert.equal(outcome.conflictCount, conflicts.length);
    return;
  }
  if (others.length === 0 && differing(ours, merged).size === 0) {
    assert.ok(!isRefusal(outcome) && !outcome.merged && outcome.commit?.id === state.head.id);
    return;
  }
  const staged = differing(ours, state.working);
  const brought = differing(ours, merged);
  if ([...staged].some(([path, content]) => brought.has(path) && brought.get(path) !== content)) {
    assert.deepEqual(outcome, { refused: "lake.uncommitted" });
    return;
  }
  assert.ok(!isRefusal(outcome) && outcome.merged, JSON.stringify(outcome));
  model.commit(name, outcome.commit.id, merged, others);
  state.working = changed(merged, staged);
}

function resetting([name, prefix]: [string, string]): [string, Step] {
  return [
    `reset ${name} ${prefix}`,
    async (model, repository) => {
      await repository.reset(name, prefix);
      const state = model.branches.get(name)!;
      const below = [...state.working].filter(([path]) => !path.startsWith(prefix));
      state.working = new Map([...below, ...[...state.head.files].filter(([path]) => path.startsWith(prefix))]);
    },
  ];
}

function resettingTo([name, index]: [string, number]): [string, Step] {
  return [
    `reset ${name} to a commit`,
    async (model, repository) => {
      const commit = model.commits[index % model.commits.length]!;
      await repository.resetTo(name, commit.id);
      model.branches.set(name, { head: commit, working: commit.files });
    },
  ];
}

async function filesOf(repository: Repository, ref: string): Promise<[string, string][]> {
  const byEtag = new Map(CONTENTS.map((content) => [entryOf(content).etag, content]));
  const found: [string, string][] = [];
  for await (const batch of repository.scan(ref))
    for (const { path, entry } of batch) found.push([path, byEtag.get(entry.etag)!]);
  return found;
}

const attempt = <T>(work: Promise<T>): Promise<T | Refusal> =>
  work.catch((error: MillError) => ({ refused: error.code ?? String(error.stack) }));

const isRefusal = (outcome: object): outcome is Refusal => "refused" in outcome;

function changed(files: Files, changes: ReadonlyMap<string, string | null>): Files {
  const next = new Map(files);
  for (const [path, content] of changes) content === null ? next.delete(path) : next.set(path, content);
  return next;
}

function differing(before: Files, after: Files): Map<string, string | null> {
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
  return new Map(paths.map((path) => [path, after.get(path) ?? null]));
}

const sorted = <T>(files: ReadonlyMap<string, T>): [string, T][] =>
  [...files].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** The newest common ancestor: the longest way from the first commit, then the largest id. */
function baseOf(ours: ModelCommit, theirs: ModelCommit): ModelCommit {
  const mine = ancestorsOf(ours);
  const common = [...ancestorsOf(theirs)].filter((commit) => mine.has(commit));
  return common.sort((a, b) => generationOf(b) - generationOf(a) || (a.id < b.id ? 1 : -1))[0]!;
}

function ancestorsOf(commit: ModelCommit): Set<ModelCommit> {
  return new Set([commit, ...commit.parents.flatMap((parent) => [...ancestorsOf(parent)])]);
}

const generationOf = (commit: ModelCommit): number => Math.max(-1, ...commit.parents.map(generationOf)) + 1;
