/** From values to heights, with round numbers beside. */
export interface Scale {
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  /** 0 at the bottom, 1 at the top, beyond for what does not fit. */
  heightOf(value: number): number;
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** Holds all values, in about three round steps. */
export function linearScale(values: readonly number[]): Scale {
  const [least, most] = rangeOf(values);
  const size = most - least || Math.abs(most) / 10 || 1;
  const step = roundStep(size / 3);
  const [low, high] = [Math.floor(least / step + 1e-9) * step, Math.ceil(most / step - 1e-9) * step];
  const top = high > low ? high : low + step;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    ticks: Array.from({ length: Math.round((top - low) / step) + 1 }, (_, index) => {
      const value = low + index * step;
      return {
        value,
        text: Math.abs(top - low) >= 1000 ? COMPACT.format(value) : decimals > 6 ? value.toPrecision(2) : value.toFixed(decimals),
      };
    }),
    heightOf: (value) => (value - low) / (top - low),
  };
}

/** Of values above 0: powers of ten, and 2 and 5 times one where they span less than two of them. */
export function logScale(values: readonly number[]): Scale {
  const [least, most] = rangeOf(values).map(Math.log10) as [number, number];
  const [low, high] = [Math.floor(least + 1e-9), Math.max(Math.ceil(most - 1e-9), Math.floor(least + 1e-9) + 1)];
  const every = Math.ceil((high - low) / 5);
  const ticks = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, index) => 10 ** (low + index * every));
  const between = high - low > 1 ? [] : [2, 5].map((one) => one * 10 ** low);
  return {
    ticks: [...ticks, ...between].map((value) => ({ value, text: Number(value.toPrecision(1)).toString() })),
    heightOf: (value) => (Math.log10(value) - low) / (high - low),
  };
}

/** Of ratios to a bound: logarithmic, from a tenth of it up; what is smaller lies at the bottom. */
export function ratioScale(values: readonly number[]): Scale {
  const high = Math.max(3, rangeOf(values)[1] * 2);
  const heightOf = (value: number) =>
    Math.max(0, Math.log10(Math.max(value, RATIO_LOW) / RATIO_LOW) / Math.log10(high / RATIO_LOW));
  const step = high > 30 ? 10 : Math.sqrt(10);
  const ticks: number[] = [];
  for (let value = RATIO_LOW; value <= high; value *= step) ticks.push(value);
  return { ticks: ticks.map((value) => ({ value, text: `${Number(value.toPrecision(1))}×` })), heightOf };
}

const RATIO_LOW = 0.1;

/** 1, 2 or 5 times a power of ten. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * ([1, 2, 5].find((one) => one * power >= size * 0.75) ?? 10);
}

function rangeOf(values: readonly number[]): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return values.length === 0 ? [0, 1] : [least, most];
}
