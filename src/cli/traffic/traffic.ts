/** `mill traffic`: the rows that a project keeps back, sent to its running server as live requests, events and labels. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asMillError } from "../../base/index.ts";
import { EXIT } from "../../contract/index.ts";
import { loadProject } from "../../define/index.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import type { Command, CommandContext } from "../command.ts";
import { findConfig } from "../find-config.ts";
import { createDelivery, serverMissing, serverOf } from "./delivery.ts";
import { chooseEndpoints, type Lane, openLane } from "./lane.ts";
import { readOptions, type TrafficOptions } from "./options.ts";
import { createTrafficProgress } from "./progress.ts";
import { replay } from "./replay.ts";
import { type Sent, summarise, summaryText } from "./summary.ts";
import { startWatch } from "./watch.ts";

const READ_MEMORY_MB = 384;
/** The server has the other processors. */
const READ_THREADS = 2;

export const command: Command = async (context) => {
  const options = readOptions(context);
  const config = await findConfig(
    options.folder === undefined ? context.flags : { ...context.flags, project: options.folder },
    context.effects,
  );
  const project = await loadProject(config.project);
  const endpoints = chooseEndpoints(project, options.endpoint);
  const find = serverOf(config);
  if ((await find()) === null) throw serverMissing(config.workspace);
  const delivery = createDelivery({ find, signal: context.signal });

  const scratch = await mkdtemp(join(tmpdir(), "mill-traffic-"));
  const tables = openDuckDb({ threads: READ_THREADS, memoryMb: READ_MEMORY_MB, tempFolder: join(scratch, "spill") });
  try {
    const lanes: Lane[] = [];
    for (const endpoint of endpoints) {
      const surroundings = { folder: config.project, options, delivery, scratch: await mkdtemp(join(scratch, "rows-")), tables };
      lanes.push(await openLane(endpoint, surroundings));
    }
    return await send(lanes, options, { context, delivery, find });
  } finally {
    tables.close();
    await rm(scratch, { recursive: true, force: true });
  }
};

interface Surroundings {
  readonly context: CommandContext;
  readonly delivery: ReturnType<typeof createDelivery>;
  readonly find: ReturnType<typeof serverOf>;
}

async function send(lanes: readonly Lane[], options: TrafficOptions, { context, delivery, find }: Surroundings) {
  const { signal, effects, output } = context;
  const startedMs = performance.now();
  const watch = startWatch({
    endpoints: lanes.map(({ name }) => name),
    find,
    opened: ({ endpoint, sentence }) => progress.say(`alert  ${endpoint}: ${sentence}`),
  });
  const progress = createTrafficProgress(effects, { lanes, openAlerts: watch.openAlerts });
  let [first, last]: (number | null)[] = [null, null];
  const reached = (at: number) => {
    first ??= at;
    last = at;
    progress.reached(at);
  };
  let state: Sent["state"] = "done";
  try {
    await replay({ ...options, lanes, delivery, signal, reached });
  } catch (thrown) {
    if (asMillError(thrown).code !== "cli.interrupted") throw thrown;
    state = "interrupted";
  } finally {
    progress.close();
    watch.close();
  }
  const [alerts, happenings] = [await watch.alerts(), await watch.happenings().catch(() => [])];
  const wallMs = Math.round(performance.now() - startedMs);
  const summary = summarise({ lanes, state, first: first ?? null, last: last ?? null, wallMs, alerts, happenings });
  output.result(summary, () => summaryText(summary));
  return state === "interrupted" ? EXIT.interrupted : EXIT.done;
}
