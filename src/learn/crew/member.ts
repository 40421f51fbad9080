/** The file that a crew's worker thread starts with. */
import { parentPort, workerData } from "node:worker_threads";
import { asMillError, errorToJson } from "../../base/index.ts";
import { createBarrier } from "./barrier.ts";
import type { CrewMessage, CrewOrder, Member } from "./crew.ts";
import { jobs } from "./jobs.ts";

const order = workerData as CrewOrder;
const post = (message: CrewMessage) => parentPort!.postMessage(message);

const member: Member = {
  index: order.index,
  count: order.count,
  barrier: createBarrier(order.barrier, order.count),
  progress: (done, total, note) => {
    if (order.index === 0) post({ progress: note === undefined ? [done, total] : [done, total, note] });
  },
  keep: (state) => {
    if (order.index === 0) post({ keep: state });
  },
};

const input = new Promise((resolve) => parentPort!.once("message", resolve));

try {
  const job = (await jobs[order.job]()) as (input: unknown, member: Member) => unknown;
  const result = job(await input, member);
  if (order.index === 0) post({ result });
} catch (thrown) {
  post({ error: errorToJson(asMillError(thrown)) });
}
