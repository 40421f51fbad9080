/**
 * Where the members of a crew wait for each other. Each waits by spinning shortly, then sleeps: on a host with noisy neighbours
 * pure spinning burns the very core that the late member needs.
 */
const ARRIVED = 0;
const GENERATION = 16;
const SPINS = 4000;

export const BARRIER_BYTES = 128;

/** A function that returns when all `count` members have called it as often. */
export function createBarrier(shared: SharedArrayBuffer, count: number): () => void {
  const cells = new Int32Array(shared);
  if (count === 1) return () => {};
  return () => {
    const generation = Atomics.load(cells, GENERATION);
    if (Atomics.add(cells, ARRIVED, 1) === count - 1) {
      Atomics.store(cells, ARRIVED, 0);
      Atomics.add(cells, GENERATION, 1);
      Atomics.notify(cells, GENERATION);
      return;
    }
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(cells, GENERATION) !== generation) return;
    while (Atomics.load(cells, GENERATION) === generation) Atomics.wait(cells, GENERATION, generation);
  };
}
