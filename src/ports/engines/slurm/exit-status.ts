/** How a process ended, in numbers: of a signal the code means nothing. */
import { constants } from "node:os";

export interface ExitStatus {
  readonly code: number;
  /** 0: none. */
  readonly signal: number;
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** A shell tells the end by a signal as 128 and its number; a program that returns such a code itself is taken for ended so. */
export const fromShell = (status: number): ExitStatus =>
  status > 128 && SIGNALS.has(status - 128) ? { code: 0, signal: status - 128 } : { code: status, signal: 0 };

export const asCodeAndSignal = ({ code, signal }: ExitStatus) =>
  signal === 0 ? { code, signal: null } : { code: null, signal: SIGNALS.get(signal) ?? `signal ${signal}` };
