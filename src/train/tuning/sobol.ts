/**
 * Sobol's sequence in base 2 (Sobol 1967), in the order of Gray codes, with the direction numbers "new-joe-kuo-6" of Joe and Kuo (SIAM J. Sci. Comput. 30, 2008): every
 * stretch of 2^k points fills the cube evenly, which random points do not. The seed shifts all points by one random vector, digit by digit, which keeps that.
 */
import { createRandom } from "../../base/index.ts";
import { DIRECTIONS } from "./sobol-directions.ts";

export const SOBOL_DIMENSIONS_MAX = DIRECTIONS.length + 1;

const BITS = 32;

/** Point `index` (from 0) as one number from 0 up to 1 for each dimension; a seed of null leaves the sequence unshifted. */
export function sobolUnits(index: number, dimensions: number, seed: number | null): number[] {
  const gray = (index ^ (index >>> 1)) >>> 0;
  const shift = seed === null ? null : createRandom(seed);
  return Array.from({ length: dimensions }, (_, dimension) => {
    let bits = shift === null ? 0 : Math.floor(shift.next() * 2 ** BITS) | 0;
    const directions = directionsOf(dimension);
    for (let bit = 0; bit < BITS; bit++) if ((gray >>> bit) & 1) bits ^= directions[bit]!;
    return (bits >>> 0) / 2 ** BITS;
  });
}

const known = new Map<number, Int32Array>();

/** v_1, v_2, ... of a dimension, each in the highest of 32 bits, by the recurrence of its primitive polynomial. */
function directionsOf(dimension: number): Int32Array {
  const made = known.get(dimension) ?? makeDirections(dimension);
  known.set(dimension, made);
  return made;
}

function makeDirections(dimension: number): Int32Array {
  const v = new Int32Array(BITS);
  if (dimension === 0) return v.map((_, bit) => 1 << (BITS - 1 - bit));
  const [polynomial, ...start] = DIRECTIONS[dimension - 1]!;
  const degree = start.length;
  for (let bit = 0; bit < BITS; bit++) {
    if (bit < degree) {
      v[bit] = start[bit]! << (BITS - 1 - bit);
      continue;
    }
    let next = v[bit - degree]! ^ (v[bit - degree]! >>> degree);
    for (let k = 1; k < degree; k++) if ((polynomial! >>> (degree - 1 - k)) & 1) next ^= v[bit - k]!;
    v[bit] = next;
  }
  return v;
}
