/**
 * Keeps `process.exit` from ending a worker inside native code. Node stops its workers at exit, and ONNX Runtime's binding answers a stop in
 * the middle of a call by aborting the whole process (seen with 1.30). So the worker marks its native calls in shared memory, and at exit
 * the main thread forbids new ones and waits for the one that runs: one batch of rows, or the loading of a model.
 */
const BUSY = 0;
const FORBIDDEN = 1;
const WAIT_MS_MAX = 30_000;

export type NativeCalls = Int32Array<SharedArrayBuffer>;

export const createNativeCalls = (): NativeCalls => new Int32Array(new SharedArrayBuffer(8));

/** In the worker: runs `call`, or never answers when the process is at its exit. */
export async function callNative<T>(calls: NativeCalls, call: () => Promise<T>): Promise<T> {
  Atomics.store(calls, BUSY, 1);
  try {
    return Atomics.load(calls, FORBIDDEN) ? await new Promise<never>(() => leave(calls)) : await call();
  } finally {
    leave(calls);
  }
}

function leave(calls: NativeCalls): void {
  Atomics.store(calls, BUSY, 0);
  Atomics.notify(calls, BUSY);
}

/** In the main thread: the calls to wait for when the process exits. One listener serves all sessions. */
export function createExitGuard(): { add(calls: NativeCalls): void; remove(calls: NativeCalls): void } {
  const guarded = new Set<NativeCalls>();
  const onExit = () => {
    for (const calls of guarded) Atomics.store(calls, FORBIDDEN, 1);
    for (const calls of guarded) Atomics.wait(calls, BUSY, 1, WAIT_MS_MAX);
  };
  return {
    add(calls) {
      if (guarded.size === 0) process.on("exit", onExit);
      guarded.add(calls);
    },
    remove(calls) {
      guarded.delete(calls);
      if (guarded.size === 0) process.off("exit", onExit);
    },
  };
}
