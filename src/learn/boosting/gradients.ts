/**
 * First and second derivatives of the loss by the score, as integers in the rows' records. Each is rounded to a multiple of a power of two, so that sums over
 * rows are exact: the same histograms, and the same trees, whatever the number of threads or the order of the rows.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { GradientsKernel } from "../kernels/gradients.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import { shiftOf } from "./histogram.ts";
import type { Bound, Loss } from "./losses.ts";
import { type Memory, SLATE } from "./memory.ts";

/** Bits of a rounded gradient. With up to 2^22 rows sums stay below 2^52, exact in a double. */
const GRADIENT_BITS = 30;
const HESSIAN_BITS = 24;

/** Integers per unit of gradient and of hessian. */
export interface Scales {
  readonly gradient: number;
  readonly hessian: number;
}

export interface Gradients {
  /** Once per round: what the loss derives for all outputs at once, and the scales of the round. Contains a barrier. */
  begin(): Scales;
  /** Writes the derivatives by one output into the records of rows `from` to `to`. */
  write(output: number, scales: Scales, from: number, to: number): void;
}

export function createGradients(memory: Memory, loss: Loss, rowCount: number, stride: number, member: Member): Gradients {
  const kernel = instantiateKernel<GradientsKernel>("gradients", memory.memory);
  const [from, to] = share(rowCount, member.index, member.count);
  const target = { records: memory.records.byteOffset, stride };

  function begin(): Scales {
    const own = loss.begin(kernel, from, to, member);
    const at = member.index * SLATE + 2;
    memory.slate[at] = own.gradient;
    memory.slate[at + 1] = own.hessian;
    member.barrier();
    const bound = { gradient: 0, hessian: 0 };
    for (let index = 0; index < member.count; index++) {
      bound.gradient = Math.max(bound.gradient, memory.slate[index * SLATE + 2]!);
      bound.hessian = Math.max(bound.hessian, memory.slate[index * SLATE + 3]!);
    }
    return scalesOf(bound, rowCount);
  }

  return {
    begin,
    write: (output, scales, first, last) => loss.write(kernel, output, first, last, target, scales),
  };
}

/** Sums of gradients stay below 2^52; sums of hessians share 63 bits with the number of rows. */
export function scalesOf({ gradient, hessian }: Bound, rowCount: number): Scales {
  const countBits = shiftOf(rowCount);
  return {
    gradient: scaleFor(gradient, Math.min(GRADIENT_BITS, 52 - countBits)),
    hessian: scaleFor(hessian, Math.min(HESSIAN_BITS, 62 - 2 * countBits)),
  };
}

/** The largest power of two that keeps `bound` within so many bits. */
const scaleFor = (bound: number, bits: number) => (bound > 0 ? 2 ** Math.min(bits - Math.ceil(Math.log2(bound)), 1000) : 1);
