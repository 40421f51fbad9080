/**
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl 2011): the trials so far are cut into the good and the others; of points drawn where the
 * good are dense, the one is taken whose density among the good is greatest beside that among the others.
 *
 *     loss | x            l(x): density of the good  ▁▂█▂▁          tried next: where l/g is greatest
 *          |   x  o o     g(x): of the others            ▂▅▆▃
 *          |  o oo        Dimensions of one condition are one joint density (Falkner 2018), so that what only works together is found;
 *          +---------->   each set of dimensions behind a condition has its own, over the trials in which it counted.
 *
 * Constants (share and number of the good, candidates, weights by age, widths) are those of Optuna 4's multivariate sampler. A cell of whole numbers is judged by the density at its middle.
 */
import { canonicalJson, type Json, type Random } from "../../base/index.ts";
import { counts, type Dimension, type Point } from "../../define/index.ts";
import type { ParamValue } from "../../learn/index.ts";
import { createParzen, type Parzen } from "./parzen.ts";
import type { Asked, Observed } from "./sampler.ts";
import { pointOf, unitOf, valueAt } from "./space.ts";

/** Trials that are drawn at random before the densities say something. */
export const STARTUP = 10;
const GOOD_SHARE = 0.1;
const GOOD_MAX = 25;
const CANDIDATES = 24;

export function suggestByDensity({ space, history, earlier = [], index }: Asked, random: Random): Point {
  const tried = [...earlier, history];
  const known = tried.map((one) => one.filter(({ loss }) => loss !== null).length);
  const before = earlier.reduce((sum, { length }) => sum + length, index);
  if (before < STARTUP || known.reduce((sum, count) => sum + count) < 2) return pointOf(space, () => random.next());
  const cuts = tried.map((one, at) => cut(one, known[at]!));
  const [good, others] = [new Set(cuts.flatMap(([good]) => [...good])), new Set(cuts.flatMap(([, others]) => [...others]))];
  const point: Record<string, ParamValue> = {};
  for (const group of groupsOf(space)) {
    if (!counts(group[0]![1], point)) continue;
    const units = bestOf(densityOf(good, group), densityOf(others, group), random);
    for (const [at, [name, dimension]] of group.entries()) point[name] = valueAt(dimension, units[at]!);
  }
  return point;
}

/** What was measured on more rows goes first; what failed or is on its way counts as the worst, so that trials that run together differ. */
function cut(history: readonly Observed[], known: number): [Set<Observed>, Set<Observed>] {
  const loss = (one: Observed) => one.loss ?? Infinity;
  const isKnown = (one: Observed) => Number(one.loss !== null);
  const ranked = [...history].sort((a, b) => isKnown(b) - isKnown(a) || b.share - a.share || loss(a) - loss(b));
  const goodCount = Math.min(Math.ceil(GOOD_SHARE * known), GOOD_MAX);
  // in the order in which they were tried, which weights them
  const good = new Set(ranked.slice(0, goodCount));
  return [new Set(history.filter((one) => good.has(one))), new Set(history.filter((one) => !good.has(one)))];
}

type Group = readonly (readonly [string, Dimension])[];

/** Dimensions with the same condition, in the order of the space: a condition's own dimension comes before. */
const groupsOf = (space: Asked["space"]): readonly Group[] => [
  ...Map.groupBy(Object.entries(space), ([, { when }]) => canonicalJson((when ?? null) as Json)).values(),
];

function densityOf(trials: ReadonlySet<Observed>, group: Group): Parzen {
  const counted = [...trials].filter(({ point }) => group.every(([name]) => Object.hasOwn(point, name)));
  const observed = counted.map(({ point }) => group.map(([name, dimension]) => unitOf(dimension, point[name]!)));
  return createParzen(
    observed,
    group.map(([, dimension]) => (dimension.kind === "choice" ? dimension.values.length : null)),
  );
}

function bestOf(good: Parzen, others: Parzen, random: Random): readonly number[] {
  let best: readonly number[] = [];
  let greatest = -Infinity;
  for (let drawn = 0; drawn < CANDIDATES; drawn++) {
    const units = good.draw(random);
    const ratio = good.logDensity(units) - others.logDensity(units);
    if (ratio > greatest || best.length === 0) [best, greatest] = [units, ratio];
  }
  return best;
}
