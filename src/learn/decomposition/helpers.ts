/**
 * Threads that multiply chunks of columns which only the calling thread sees: it copies a chunk into one of a helper's two slots whenever that is free, and goes on
 * with chunks of its own, so that nothing waits for a thread that has not started yet.
 *
 *   slot:  starting -> free -> filled (calling thread) -> done (helper) -> free ...
 */
import { type Member, runCrew } from "../crew/crew.ts";
import { sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import { CHUNK, type ChunkSums, createMultiplier, emptySums } from "./chunk-products.ts";

export interface HelpersOrder {
  readonly shifts: Float64Array;
  readonly slots: readonly (readonly Slot[])[];
}

/** All shared. */
interface Slot extends ChunkSums {
  /** State, rows and number of the chunk. */
  readonly state: Int32Array;
  readonly columns: readonly Float64Array[];
}

export interface Helpers {
  /** Whether a slot was free for a chunk. */
  offer(chunk: number, columns: readonly Float64Array[], from: number, to: number): boolean;
  /** What has been done since. Throws what ended a helper. */
  collect(take: (chunk: number, sums: ChunkSums) => void): void;
  dismiss(): Promise<void>;
}

/** 0 is starting. */
const [FREE, FILLED, DONE] = [1, 2, 3];
const [STATE, ROWS, CHUNK_AT] = [0, 1, 2];

export function callHelpers(shifts: Float64Array, count: number, signal: AbortSignal): Helpers {
  if (count < 1) return { offer: () => false, collect: () => {}, dismiss: async () => {} };
  const slots = Array.from({ length: count }, () => [createSlot(shifts.length), createSlot(shifts.length)]);
  const next = slots.map(() => 0); // as the helper takes them: one after the other
  const end = new AbortController();
  let failure: unknown;
  const crew = runCrew("multiply-chunks", { shifts, slots }, count, {
    progress: () => {},
    signal: AbortSignal.any([signal, end.signal]),
  }).catch((error) => {
    failure = error;
  });
  return {
    offer(chunk, columns, from, to) {
      const helper = slots.findIndex((own, at) => Atomics.load(own[next[at]!]!.state, STATE) === FREE);
      if (helper < 0) return false;
      const slot = slots[helper]![next[helper]!]!;
      next[helper] = 1 - next[helper]!;
      columns.forEach((values, at) => {
        slot.columns[at]!.set(values.subarray(from, to));
      });
      [slot.state[ROWS], slot.state[CHUNK_AT]] = [to - from, chunk];
      pass(slot.state, FILLED);
      return true;
    },
    collect(take) {
      if (failure !== undefined) throw failure;
      for (const { state, products, ranges } of slots.flat())
        if (Atomics.load(state, STATE) === DONE) {
          take(state[CHUNK_AT]!, { products: products.slice(), ranges: ranges.slice() });
          pass(state, FREE);
        }
    },
    async dismiss() {
      end.abort();
      await crew;
    },
  };
}

function createSlot(width: number): Slot {
  const shared = ({ length }: Float64Array) => sharedFloat64(length);
  const { products, ranges } = emptySums(width);
  const columns = Array.from({ length: width }, () => sharedFloat64(CHUNK));
  return { state: sharedInt32(3), columns, products: shared(products), ranges: shared(ranges) };
}

/** The job of the helpers: until they are dismissed, each does its slots in turn. */
export function multiplyChunks({ shifts, slots }: HelpersOrder, { index }: Member): void {
  const multiply = createMultiplier(shifts);
  const own = slots[index]!;
  for (const { state } of own) pass(state, FREE);
  for (let turn = 0; ; turn = 1 - turn) {
    const { state, columns, ...sums } = own[turn]!;
    for (let seen = Atomics.load(state, STATE); seen !== FILLED; seen = Atomics.load(state, STATE))
      Atomics.wait(state, STATE, seen);
    multiply(columns, 0, state[ROWS]!, sums);
    pass(state, DONE);
  }
}

function pass(state: Int32Array, to: number): void {
  Atomics.store(state, STATE, to);
  Atomics.notify(state, STATE);
}
