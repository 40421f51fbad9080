/** `mill lake get`: objects of a ref into a folder. What is there already with the same content is left alone. */
import { resolve } from "node:path";
import { formatBytes, formatSpan, MillError } from "../../base/index.ts";
import { EXIT } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { type Command, textFlag } from "../command.ts";
import { readAddress } from "./address.ts";
import { interrupted, targetOf } from "./door-client.ts";
import { createFolder, localPartsOf } from "./get-folder.ts";
import { type Receiver, receiveFile } from "./get-receive.ts";
import { inParallel } from "./in-parallel.ts";
import { jobsFlag, prefixOf } from "./job-flags.ts";
import { type ListedObject, listAll } from "./listed.ts";
import { createProblems } from "./problems.ts";
import { createTransferProgress } from "./transfer-progress.ts";
import { withDoor } from "./with-door.ts";

export const get: Command = async (context) => {
  const { operands, flags, output, effects, signal } = context;
  const { repository, ref } = readAddress(operands[0]!);
  const root = resolve(effects.cwd, textFlag(flags, "to") ?? ".");
  const jobs = jobsFlag(flags);
  const startedMs = performance.now();
  const progress = createTransferProgress(effects, output.json);
  const problems = createProblems(progress);

  try {
    const got = await withDoor(context, jobs, async ({ call, door }) => {
      let [files, bytes, unchanged, seen] = [0, 0, 0, 0];
      const folder = await createFolder(root);
      const receiver: Receiver = {
        door,
        folder,
        signal,
        received(more) {
          bytes += more;
          progress.files(0, more);
        },
      };
      const objects = await objectsOf(call, { repository, ref }, operands[1] ?? "");
      await inParallel(until(signal, objects), jobs, async ({ object, name }) => {
        seen++;
        const parts = localPartsOf(name);
        if (parts === null) return problems.fail(object.path, "no file below the folder can have this name");
        try {
          const outcome = await receiveFile(parts, object.entry, targetOf(repository, ref, object.path), receiver);
          if (outcome === "written") files++;
          else unchanged++;
        } catch (thrown) {
          if (signal.aborted) throw interrupted();
          if (thrown instanceof MillError && !isAnotherNow(thrown)) throw thrown;
          problems.fail(object.path, (thrown as Error).message);
        }
        progress.files(1, 0);
      });
      if (signal.aborted) throw interrupted();
      if (seen === 0) throw nothingThere(repository, ref, operands[1]);
      return { files, bytes, unchanged };
    });
    const { failed, told } = problems;
    const wallMs = Math.round(performance.now() - startedMs);
    progress.close();
    output.result({ repository, ref, folder: root, ...got, failed, problems: told, wallMs }, () => {
      const rest = `${got.unchanged === 0 ? "" : `, ${got.unchanged.toLocaleString("en")} unchanged`}${failed === 0 ? "" : `, ${failed.toLocaleString("en")} FAILED`}`;
      return `${got.files.toLocaleString("en")} files written to ${root}, ${formatBytes(got.bytes)}${rest} in ${formatSpan(wallMs)}\n`;
    });
    return failed > 0 ? EXIT.data : EXIT.done;
  } finally {
    progress.close();
  }
};

interface Wanted {
  readonly object: ListedObject;
  /** Its path below what was asked for. */
  readonly name: string;
}

/** The object of that very path, or else all below the folder of that name. */
async function objectsOf(
  call: BoundCall,
  { repository, ref }: { readonly repository: string; readonly ref: string },
  path: string,
): Promise<AsyncIterable<Wanted>> {
  if (path !== "" && !path.endsWith("/")) {
    const { items } = await call("listObjects", { repository, ref, prefix: path, limit: 1 });
    const [first] = items;
    if (first?.path === path && first.entry !== null)
      return only({ object: { path, entry: first.entry }, name: path.slice(path.lastIndexOf("/") + 1) });
  }
  const prefix = prefixOf(path);
  return named(listAll(call, { repository, ref, prefix }), prefix);
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function* named(objects: AsyncIterable<ListedObject>, prefix: string): AsyncGenerator<Wanted> {
  for await (const object of objects) if (object.path !== prefix) yield { object, name: object.path.slice(prefix.length) };
}

async function* until<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    if (signal.aborted) return;
    yield item;
  }
}

/** On a branch an object may be replaced or removed between the listing and the reading. */
const isAnotherNow = ({ code, got }: MillError): boolean =>
  code === "cli.door-refused" && (got === "PreconditionFailed" || got === "NoSuchKey");

const nothingThere = (repository: string, ref: string, path: string | undefined) =>
  new MillError("cli.nothing-there", `${repository}@${ref} holds nothing${path ? ` at ${path}` : ""}.`, {
    expected: "the path of an object, or of a folder with objects in it",
    got: path || "no object at all",
    fix: `See what is there: mill lake ls ${repository}@${ref}`,
  });
