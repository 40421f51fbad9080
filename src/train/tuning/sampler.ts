/** What a search tries next. Pure: the same space, trials so far, number and seed give the same point. */
import { createRandom, type Random } from "../../base/index.ts";
import type { Point, SamplerName, Space } from "../../define/index.ts";
import { sobolUnits } from "./sobol.ts";
import { gridOf, pointOf, sizeOf, textOf } from "./space.ts";
import { suggestByDensity } from "./tpe.ts";

/** A trial that has been tried, or is on its way. */
export interface Observed {
  readonly point: Point;
  /** Lower is better; null: it failed, or has no value yet. */
  readonly loss: number | null;
  /** Share of the rows that it learnt from: what was said of more rows counts first. */
  readonly share: number;
}

/** What a sampler decides by. `index` counts the trials of the search from 0; `history` has those before. */
export interface Asked {
  readonly space: Space;
  readonly history: readonly Observed[];
  /** What earlier searches found, each by itself: the losses of two are not to be compared. */
  readonly earlier?: readonly (readonly Observed[])[];
  readonly index: number;
  readonly seed: number;
}

/** Values of a range in a grid. */
const GRID_STEPS = 5;

/** The next point, none of which is in the history; null: the space has no other. */
export function suggest(sampler: SamplerName, asked: Asked): Point | null {
  return SAMPLERS[sampler](asked);
}

const SAMPLERS: Readonly<Record<SamplerName, (asked: Asked) => Point | null>> = {
  grid: ({ space, history }) => unseen(gridOf(space, GRID_STEPS), history),
  random: (asked) => fresh(asked, (random) => pointOf(asked.space, () => random.next())),
  sobol: (asked) => fresh(asked, (_, attempt) => sobolPoint(asked, attempt)),
  tpe: (asked) => fresh(asked, (random) => suggestByDensity(asked, random)),
};

/** Draws of one point, until the sampler is taken to know no other. */
const ATTEMPTS = 20;

/** What is drawn, unless it has been tried: a trial twice tells nothing new. Where nearly all has been tried, what is left is looked for. */
function fresh(asked: Asked, draw: (random: Random, attempt: number) => Point): Point | null {
  const { space, history, index, seed } = asked;
  const tried = new Set(history.map(({ point }) => textOf(point)));
  const random = createRandom(seed + Math.imul(index, 0x9e3779b1));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const point = draw(random, attempt);
    if (!tried.has(textOf(point))) return point;
  }
  const steps = sizeOf(space);
  return Number.isFinite(steps) ? unseen(gridOf(space, steps), history) : null;
}

function unseen(points: Iterable<Point>, history: readonly Observed[]): Point | null {
  const tried = new Set(history.map(({ point }) => textOf(point)));
  for (const point of points) if (!tried.has(textOf(point))) return point;
  return null;
}

/** Later attempts go on behind the points that other trials have. */
function sobolPoint({ space, index, seed }: Asked, attempt: number): Point {
  const units = sobolUnits(index + attempt, Object.keys(space).length, seed);
  return pointOf(space, (_, at) => units[at]!);
}
