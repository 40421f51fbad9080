/** Looks again and again, one look after the other, until it is stopped. */
import { asMillError, type MillError } from "../base/index.ts";

export interface Rounds {
  start(): void;
  /** No look begins any more; waits for the one that is on its way. */
  stop(): Promise<void>;
}

export interface RoundsOptions {
  /** From the end of one look to the next. */
  waitMs(): number;
  /** A look that failed: the next one comes all the same. */
  onFault(error: MillError): void;
}

export function createRounds(look: () => Promise<void>, { waitMs, onFault }: RoundsOptions): Rounds {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let isStopped = false;

  const round = () => {
    looking = look()
      .catch((thrown) => onFault(asMillError(thrown)))
      .finally(() => {
        if (!isStopped) timer = setTimeout(round, waitMs());
      });
  };

  return {
    start: round,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
