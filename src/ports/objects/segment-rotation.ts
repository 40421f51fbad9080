import { type Digest, MillError } from "../../base/index.ts";
import type { Codec } from "./codec.ts";
import type { RotatedPart } from "./rotation.ts";
import type { Segment, SegmentFiles } from "./segment-files.ts";
import { PUT, RECORD_HEADER_BYTES } from "./segment-format.ts";
import type { SegmentIndex } from "./segment-index.ts";

export interface SegmentRotation {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly codec: Codec;
  readonly alive: (place: number) => boolean;
  /** Writes what counts in a segment anew, under the current key, if its process appends no more. */
  readonly rewrite: (segment: Segment) => Promise<void>;
}

/**
 * Rewrites every segment that holds anything under an older key, also what no longer counts: another process may read it before it learns so.
 * What is left afterwards lies where another process appends.
 */
export async function rotateSegments({ files, index, codec, alive, rewrite }: SegmentRotation): Promise<RotatedPart> {
  const before = await survey();
  for (const segment of before.stale) await rewrite(segment);
  const after = before.stale.size > 0 ? await survey() : before;
  const { kept, refusal } = before;
  return { renewed: Math.max(0, before.old - after.old), kept, left: after.records, refusal };

  /** `old` objects of those that count, and `records` in all, are under an older key; they lie in the `stale` segments. */
  async function survey() {
    const stale = new Set<Segment>();
    let [old, kept, records] = [0, 0, 0];
    let refusal: MillError | null = null;
    for (const segment of [...files.all]) {
      for (const { digest, offset, length } of await contentsOf(segment)) {
        const place = index.find(digest);
        const counts = place !== -1 && alive(place) && index.segment[place] === segment.number && index.offset[place] === offset;
        try {
          const outcome = await isStale(segment, digest, offset, length);
          if (outcome === null) break;
          if (outcome) {
            stale.add(segment);
            records++;
          }
          if (counts && outcome) old++;
          if (counts && !outcome) kept++;
        } catch (error) {
          if (!(error instanceof MillError)) throw error;
          if (counts) refusal ??= error;
        }
      }
    }
    return { stale, old, kept, records, refusal };
  }

  async function contentsOf(segment: Segment) {
    const contents: { readonly digest: Buffer; readonly offset: number; readonly length: number }[] = [];
    if (segment.gone) return contents;
    await files.visit(segment, ({ kind, digest, length }, offset) => {
      if (kind === PUT) contents.push({ digest: Buffer.from(digest), offset, length });
    });
    return contents;
  }

  /** null: the segment went meanwhile. Errors: `object.corrupt`, `envelope.unknown-key`. */
  async function isStale(segment: Segment, key: Buffer, offset: number, length: number): Promise<boolean | null> {
    const tail = Buffer.alloc(Math.min(length, codec.tailBytes));
    const at = offset + RECORD_HEADER_BYTES + length - tail.byteLength;
    const read = await files.hold(segment, (file) => file.read(tail, 0, tail.byteLength, at));
    const digest: Digest = `sha256:${key.toString("hex")}`;
    return read && codec.renew(tail.subarray(0, read.bytesRead), digest) !== null;
  }
}
