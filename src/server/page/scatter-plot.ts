/** A dot for each of several things: one number upward, and another, or a word, across. */
import { canBeDrawn, grid, gutter, heightIn, share } from "./curve-plot.ts";
import { html, type Markup } from "./html.ts";
import { linearScale, type Scale } from "./scale.ts";
import { number } from "./table.ts";

export interface Dot {
  readonly name: string;
  readonly link: string;
  /** Undefined: it is not drawn. */
  readonly x: string | number | undefined;
  /** What is no number, or too great to draw, is not drawn. */
  readonly y: number;
}

const HEIGHT = 240;
const WORDS_MAX = 12;
const WORD_MAX = 14;

export function drawScatter({
  across,
  upward,
  dots,
}: {
  readonly across: string;
  readonly upward: string;
  readonly dots: readonly Dot[];
}): Markup {
  const drawn = dots.flatMap(({ x, ...dot }) => (x === undefined || !canBeDrawn(dot.y) ? [] : [{ ...dot, x }]));
  const { placeOf, ticks } = axisOf(drawn.map(({ x }) => x));
  const scale = linearScale(drawn.map(({ y }) => y));
  const y = heightIn(scale, HEIGHT);
  const left = dots.length - drawn.length;
  return html`<figure class="panel curves scatter"><figcaption><span class="told"><b class="panel-name">${upward}</b> against ${across}${left > 0 && `, without ${left} that have no such numbers`}</span></figcaption>
${gutter(scale, HEIGHT)}<svg class="plot" width="100%" height="${HEIGHT}" role="img"><title>${upward} against ${across}</title>${grid(scale, HEIGHT)}
${drawn.map((dot) => html`<a href="${dot.link}"><circle class="dot" cx="${share(placeOf(dot.x))}" cy="${y(dot.y)}" r="4.5"><title>${dot.name}: ${number(dot.y)} at ${String(dot.x)}</title></circle></a>`)}</svg>
<svg class="below" width="100%" height="18" aria-hidden="true">${ticks.map(({ place, text }) => html`<text class="tick middle" x="${share(place)}" y="13">${text}</text>`)}</svg></figure>
`;
}

interface Axis {
  readonly ticks: readonly { readonly place: number; readonly text: string }[];
  placeOf(value: string | number): number;
}

/** Numbers by their size, with some room at both ends; where one is none, each word has a place of its own. */
function axisOf(values: readonly (string | number)[]): Axis {
  const numbers = values.map(Number);
  const areNumbers = values.every((value) => value !== "") && numbers.every(canBeDrawn);
  return areNumbers ? numbersAxis(linearScale(numbers)) : wordsAxis([...new Set(values.map(String))].sort());
}

const ROOM = 0.03;

function numbersAxis({ ticks, heightOf }: Scale): Axis {
  const placeOf = (value: string | number) => ROOM + (1 - 2 * ROOM) * heightOf(Number(value));
  return { placeOf, ticks: ticks.map(({ value, text }) => ({ place: placeOf(value), text })) };
}

function wordsAxis(words: readonly string[]): Axis {
  const placeOf = (value: string | number) => (words.indexOf(String(value)) + 0.5) / words.length;
  const every = Math.ceil(words.length / WORDS_MAX);
  return {
    placeOf,
    ticks: words.flatMap((word, index) =>
      index % every === 0
        ? [{ place: placeOf(word), text: word.length > WORD_MAX ? `${word.slice(0, WORD_MAX - 1)}…` : word }]
        : [],
    ),
  };
}
