/**
 * The natural logarithm, equal to the last bit in SQL and in a row. Math libraries differ in that bit (one value in sixty, measured), so both
 * compilers do the same IEEE additions, multiplications and divisions: the method of fdlibm's `e_log.c` (Sun Microsystems, 1993), less than
 * one unit in the last place from the true value.
 *
 *     x = 2^k * m,  sqrt(1/2) <= m < sqrt(2),  f = m - 1,  s = f / (2 + f),  log(m) = f - (f*f/2 - s * (f*f/2 + R(s*s)))
 */
import { bind, quoteDouble } from "./quote.ts";

const SQRT_HALF = Math.SQRT1_2;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** R(z) = z * (C1 + z * (C2 + ...)). */
const COEFFICIENTS = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805, 0.15313837699209373,
  0.14798198605116586,
];

/** log(x); null at 0 and below. */
export function logarithm(x: number): number | null {
  if (!(x > 0)) return null;
  let k = Math.min(Math.floor(Math.log2(x)), 1023);
  let m = x / 2 ** k;
  if (m >= 2 * SQRT_HALF) [k, m] = [k + 1, m / 2];
  else if (m < SQRT_HALF) [k, m] = [k - 1, m * 2];
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  const r = z * COEFFICIENTS.reduceRight((sum, c) => c + z * sum, 0);
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + r) + k * LN2_LOW) - f);
}

/** The same as SQL over a DOUBLE. */
export function logarithmSql(x: string): string {
  const exponent = "least(floor(log2(x)), 1023e0)";
  const within = let_("k", exponent, let_("m", "x / pow(2e0, k)", reduced));
  return bind(x, (name) => `CASE WHEN ${name} > 0e0 THEN list_transform([${name}], lambda x: ${within})[1] END`);
}

const let_ = (name: string, value: string, body: string) => `list_transform([${value}], lambda ${name}: ${body})[1]`;

const [high, low] = [quoteDouble(2 * SQRT_HALF), quoteDouble(SQRT_HALF)];
const polynomial = COEFFICIENTS.reduceRight((sum, c) => `(${quoteDouble(c)} + z * ${sum})`, "0e0");
const series = let_(
  "s",
  "f / (2e0 + f)",
  let_(
    "z",
    "s * s",
    `e * ${quoteDouble(LN2_HIGH)} - (0.5e0 * f * f - (s * (0.5e0 * f * f + z * ${polynomial}) + e * ${quoteDouble(LN2_LOW)}) - f)`,
  ),
);
const mantissa = `CASE WHEN m >= ${high} THEN m / 2e0 WHEN m < ${low} THEN m * 2e0 ELSE m END - 1e0`;
const reduced = let_(
  "e",
  `CASE WHEN m >= ${high} THEN k + 1e0 WHEN m < ${low} THEN k - 1e0 ELSE k END`,
  let_("f", mantissa, series),
);
