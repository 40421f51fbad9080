import { readlinkSync } from "node:fs";
import { newId } from "../base/index.ts";
import { processAlive, processHandle } from "../ports/engines/index.ts";
import type { Owner } from "./surroundings.ts";

/**
 * This process and this ledger: two ledgers in one process respect each other's leases. A name is `HANDLE@PROCESSES/ID`, where PROCESSES says
 * whose process ids they are; of a process among others nothing is known where the records are shared.
 */
export function thisProcess({ shared }: { readonly shared: boolean }): Owner {
  const here = processesHere();
  const isHere = (handle: string, processes: string | undefined) =>
    processes === undefined || (processes === here && bootOf(handle) === bootOf(self));
  const self = processHandle(process.pid) ?? String(process.pid);
  return {
    name: `${self}@${here}/${newId().slice(-12)}`,
    alive(name) {
      const [handle, processes] = name.split("/")[0]!.split("@") as [string, string?];
      return shared && !isHere(handle, processes) ? true : processAlive(handle);
    },
  };
}

const bootOf = (handle: string) => handle.split(":")[2];

/** The namespace of process ids: containers of one machine have the same boot. */
function processesHere(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
