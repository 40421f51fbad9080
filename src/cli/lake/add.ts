/** `mill lake add`: files and folders into a branch. What is there already with the same content is not sent. */
import { resolve } from "node:path";
import { formatBytes, formatSpan, MillError, shortDigest } from "../../base/index.ts";
import { EXIT } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { type Command, textFlag } from "../command.ts";
import { createBundles } from "./add-bundles.ts";
import { CHANGED, type Sender, sendFile } from "./add-send.ts";
import { countFiles, type LocalFile, walkAll } from "./add-walk.ts";
import { readAddress } from "./address.ts";
import { bucketOf, interrupted, targetOf } from "./door-client.ts";
import { inParallel } from "./in-parallel.ts";
import { jobsFlag, prefixOf } from "./job-flags.ts";
import { createListed, type ListedObject } from "./listed.ts";
import { createProblems } from "./problems.ts";
import { createTransferProgress } from "./transfer-progress.ts";
import { withDoor } from "./with-door.ts";

const PATH_BYTES_MAX = 1024;
const REMOVED_TOGETHER = 1000;

export const add: Command = async (context) => {
  const { operands, flags, output, effects, signal } = context;
  const { repository, ref: branch } = readAddress(operands[0]!);
  const paths = operands.slice(1).map((path) => resolve(effects.cwd, path));
  const prefix = prefixOf(textFlag(flags, "to") ?? "");
  const message = textFlag(flags, "message");
  const jobs = jobsFlag(flags);
  const startedMs = performance.now();
  const progress = createTransferProgress(effects, output.json);
  const problems = createProblems(progress);
  const counting = new AbortController();
  void countFiles(paths, counting.signal).then(progress.expect, () => undefined);

  try {
    const added = await withDoor(context, jobs, async ({ call, door }) => {
      let [files, bytes, unchanged] = [0, 0, 0];
      const gone: string[] = [];
      const listed = createListed(
        call,
        { repository, ref: branch, prefix },
        flags.delete ? (path) => void gone.push(path) : null,
      );
      const bundles = createBundles(door, `/${bucketOf(repository, branch)}?import`, (bundled, size) => {
        files += bundled;
        bytes += size;
        progress.files(bundled, size);
      });
      const sender: Sender = {
        door,
        signal,
        bundles,
        target: (path) => targetOf(repository, branch, path),
        sent(more) {
          bytes += more;
          progress.files(0, more);
        },
      };
      const steps = stepsOf(walkAll(paths, problems), prefix, listed.at, signal);
      await inParallel(steps, jobs, async ({ local, known }) => {
        const outcome = await sendTwice(local, known, sender);
        if (outcome === "sent") files++;
        if (outcome === "same") unchanged++;
        if (outcome !== "bundled") progress.files(1, 0);
      });
      await bundles.end();
      if (signal.aborted) throw interrupted();
      await listed.rest();

      const whole = problems.failed === 0;
      const removed = whole ? await removeAll(call, repository, branch, gone) : 0;
      const commit = whole && message !== undefined ? await commitStaged(call, repository, branch, message) : null;
      return { files, bytes, unchanged, removed, commit };
    });
    const { leftOut, failed, told } = problems;
    const wallMs = Math.round(performance.now() - startedMs);
    progress.close();
    output.result({ repository, branch, ...added, leftOut, failed, problems: told, wallMs }, () => {
      const { files, bytes, unchanged, removed, commit } = added;
      const count = (number: number, word: string) => (number === 0 ? "" : `, ${number.toLocaleString("en")} ${word}`);
      const rest = `${count(unchanged, "unchanged")}${count(removed, "removed")}${count(leftOut, "left out")}${count(failed, "FAILED")}`;
      const end =
        failed > 0
          ? notWhole(message)
          : commit !== null
            ? `commit ${shortDigest(commit)} on ${branch}\n`
            : stagedText(files + removed, message);
      return `${files.toLocaleString("en")} files added to ${repository}@${branch}, ${formatBytes(bytes)}${rest} in ${formatSpan(wallMs)}\n${end}`;
    });
    return failed > 0 ? EXIT.data : EXIT.done;
  } finally {
    counting.abort();
    progress.close();
  }

  /** What goes wrong with one file does not keep the others from going in; what goes wrong with the door does. */
  async function sendTwice(
    local: LocalFile,
    known: ListedObject["entry"] | null,
    sender: Sender,
  ): Promise<"bundled" | "sent" | "same" | "failed"> {
    if (Buffer.byteLength(local.path) > PATH_BYTES_MAX) {
      problems.fail(local.file, `its path in the lake has more than ${PATH_BYTES_MAX} bytes`);
      return "failed";
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendFile(local, known, sender);
      } catch (thrown) {
        if (signal.aborted) throw interrupted();
        if (thrown instanceof MillError) throw thrown;
        const why = (thrown as Error).message;
        if (why === CHANGED && attempt === 1) problems.note(local.file, `${why}; it is read once more`);
        else {
          problems.fail(local.file, why);
          return "failed";
        }
      }
    }
  }
};

interface Step {
  readonly local: LocalFile;
  /** What stands at its path. */
  readonly known: ListedObject["entry"] | null;
}

async function* stepsOf(
  files: AsyncIterable<LocalFile>,
  prefix: string,
  at: (path: string) => Promise<ListedObject | null>,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  for await (const { file, path } of files) {
    if (signal.aborted) return;
    const known = await at(prefix + path);
    yield { local: { file, path: prefix + path }, known: known?.entry ?? null };
  }
}

async function removeAll(call: BoundCall, repository: string, branch: string, paths: readonly string[]): Promise<number> {
  for (let start = 0; start < paths.length; start += REMOVED_TOGETHER)
    await call("removeObjects", { repository, branch, paths: paths.slice(start, start + REMOVED_TOGETHER) });
  return paths.length;
}

/** The commit's id; null: the branch holds what its head holds. */
async function commitStaged(call: BoundCall, repository: string, branch: string, message: string): Promise<string | null> {
  try {
    return (await call("commit", { repository, branch, message })).id;
  } catch (thrown) {
    if (thrown instanceof MillError && thrown.code === "lake.nothing-staged") return null;
    throw thrown;
  }
}

const stagedText = (changes: number, message: string | undefined): string =>
  message !== undefined ? "nothing to commit\n" : changes > 0 ? "staged: mill lake commit makes it a version\n" : "";

const notWhole = (message: string | undefined): string =>
  `not all of it: nothing was removed${message === undefined ? "" : ", and nothing committed"}; run the same command again\n`;
