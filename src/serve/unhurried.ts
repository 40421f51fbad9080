import { setImmediate } from "node:timers/promises";

/** Requests wait no longer than this for what takes long. */
const SLICE_MS = 2;

/** Goes through many things, and lets requests be answered in between. */
export async function unhurried<T>(items: Iterable<T>, use: (item: T) => void): Promise<void> {
  let begun = performance.now();
  for (const item of items) {
    use(item);
    if (performance.now() - begun < SLICE_MS) continue;
    await setImmediate();
    begun = performance.now();
  }
}
