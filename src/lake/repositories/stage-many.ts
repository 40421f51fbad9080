import { MillError } from "../../base/index.ts";
import type { Edit } from "../tree/tree.ts";
import { refuseProtected, seeBranch } from "./branch-state.ts";
import { editsOf } from "./changes.ts";
import { encodeEntry } from "./encode-entry.ts";
import type { Change } from "./entry.ts";
import type { StageEvent } from "./guards.ts";
import { checkPath, comparePaths } from "./paths.ts";
import type { Workings } from "./workings.ts";

/**
 * Streams changes straight into a tree of their own, made from the branch as it stands, and gives it to the branch at the end. When the branch moved
 * meanwhile, the difference that they made is made again on what it holds by then.
 */
export async function stageMany(
  workings: Workings,
  branch: string,
  changes: AsyncIterable<readonly Change[]>,
  actor: string,
): Promise<number> {
  const { repository, records, tree, moves, guards } = workings;
  const before = await seeBranch(records, tree, repository, branch);
  refuseProtected(before);
  let count = 0;
  const start = before.working;
  const end = await tree.apply(start, sorted());
  const event: StageEvent = { kind: "stage", repository, branch, actor, paths };
  await moves.move(
    repository,
    branch,
    async (seen) => {
      refuseProtected(seen);
      const statements = await guards?.before(event);
      const root = seen.working === start ? end : await tree.apply(seen.working, editsOf(tree.diff(start, end)));
      return { to: { root }, statements: statements ?? [], result: undefined };
    },
    { anyHead: true },
  );
  return count;

  async function* sorted(): AsyncGenerator<readonly Edit[]> {
    let last = "";
    for await (const batch of changes) {
      const edits = batch.map(({ path, entry }) => {
        checkPath(path);
        if (comparePaths(last, path) >= 0) throw unsorted(last, path);
        last = path;
        return { path, value: entry && encodeEntry(entry) };
      });
      count += edits.length;
      if (edits.length > 0) yield edits;
    }
  }

  async function* paths(): AsyncGenerator<readonly string[]> {
    for await (const batch of tree.diff(start, end)) yield batch.map(({ path }) => path);
  }
}

const unsorted = (last: string, path: string) =>
  new MillError("lake.unsorted", "Changes came in another order than that of the bytes of their paths, or one path twice.", {
    at: path,
    expected: `a path behind ${last}`,
    fix: "Sort them, or stage them in smaller groups.",
  });
