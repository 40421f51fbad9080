/** Sums over values that enter at one moment and leave at another. */
export interface RunningSum {
  add(enters: number, leaves: number, value: bigint): void;
  /** Over what entered before the moment and did not leave before it. */
  asOf(moment: number): Total;
  /** Folds what happened before `horizon` into one total; how much is left to remember. Later moments are answered as before. */
  forget(horizon: number): number;
}

export interface Total {
  readonly count: number;
  readonly total: bigint;
}

export function createRunningSum(): RunningSum {
  const entered = createTimeline();
  const left = createTimeline();
  return {
    add(enters, leaves, value) {
      entered.add(enters, value);
      left.add(leaves, value);
    },
    asOf(moment) {
      const [inside, outside] = [entered.before(moment), left.before(moment)];
      return { count: inside.count - outside.count, total: inside.total - outside.total };
    },
    forget(horizon) {
      entered.fold(horizon);
      left.fold(horizon);
      return entered.size() + left.size();
    },
  };
}

/** Values at moments, sorted, each with the sum of all up to it. Adding near the end is cheap: what comes later is summed anew. */
function createTimeline() {
  let moments: number[] = [];
  let totals: bigint[] = [];
  let folded: Total = { count: 0, total: 0n };

  return {
    add(moment: number, value: bigint): void {
      const at = firstAtLeast(moments, moment);
      const before = at === 0 ? folded.total : totals[at - 1]!;
      if (at === moments.length) {
        moments.push(moment);
        totals.push(before + value);
        return;
      }
      moments.splice(at, 0, moment);
      totals.splice(at, 0, before);
      for (let later = at; later < totals.length; later++) totals[later]! += value;
    },
    before(moment: number): Total {
      const at = firstAtLeast(moments, moment);
      return at === 0 ? folded : { count: folded.count + at, total: totals[at - 1]! };
    },
    fold(horizon: number): void {
      const at = firstAtLeast(moments, horizon);
      if (at === 0) return;
      folded = { count: folded.count + at, total: totals[at - 1]! };
      moments = moments.slice(at);
      totals = totals.slice(at);
    },
    size: () => moments.length,
  };
}

/** The index of the first moment that is not before `moment`; the length when all are. */
function firstAtLeast(moments: readonly number[], moment: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (moments[middle]! < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
