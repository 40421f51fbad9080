/**
 * What a search that starts warm begins with: the trials of the searches of its model that had ended before it. Which those are is kept in the input of the step
 * that ended it, so that a search asked for again takes the same, whatever was searched for since.
 */
import type { Digest } from "../base/index.ts";
import type { TuningDefinition } from "../define/index.ts";
import type { Ledger } from "../steps/index.ts";
import { type TuneInput, type Warm, type WarmStart, warmStart } from "../train/index.ts";

/** Earlier searches that are taken over, the newest: older ones tell of data that nobody has any more. */
const SEARCHES_MAX = 10;

/** `search` says which search it is: what it tries, of what rows. */
export async function startWarm(
  model: string,
  search: Digest,
  tuning: TuningDefinition,
  ledger: Pick<Ledger, "listSteps" | "resultsOf" | "getStep">,
): Promise<Pick<WarmStart, "start" | "earlier"> & { readonly warm: Warm }> {
  const { items } = await ledger.listSteps({ target: `model/${model}`, kind: "tune", state: "succeeded", limit: 1000 });
  const results = await ledger.resultsOf(items.map(({ key }) => key));
  const newest = [...new Map(items.toReversed().map((step) => [step.key, step])).values()].filter(({ key }) => results.has(key));
  const warmOf = (key: Digest) => results.get(key)!.facts.warm as unknown as Warm | undefined;
  const own = newest.findLast(({ key }) => warmOf(key)?.search === search);
  const taken = own ? newest.filter(({ key }) => warmOf(own.key)!.from.includes(key)) : newest.slice(-SEARCHES_MAX);
  const searches = await Promise.all(taken.map(async ({ id }) => (await ledger.getStep(id)).step.input as unknown as TuneInput));
  const { start, earlier, trials, begins } = warmStart(tuning, searches);
  return { start, earlier, warm: { search, from: taken.map(({ key }) => key), trials, begins } };
}
