/** Data time that several rows have reached: one row dated 2101 does not move it. Never goes back. */
export interface WatchClock {
  see(micros: number): void;
  /** Microseconds; null before enough rows. */
  readonly now: number | null;
}

const ROWS = 5;

export function createWatchClock(): WatchClock {
  const newest: number[] = []; // rising, at most ROWS
  return {
    see(micros) {
      if (newest.length === ROWS) {
        if (micros <= newest[0]!) return;
        newest.shift();
      }
      let place = newest.length;
      while (place > 0 && newest[place - 1]! > micros) place--;
      newest.splice(place, 0, micros);
    },
    get now() {
      return newest.length === ROWS ? newest[0]! : null;
    },
  };
}
