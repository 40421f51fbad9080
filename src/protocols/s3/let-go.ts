/** Below this a chunk costs more to give back than to leave lying. */
const LEAST_BYTES = 16 * 1024;

/**
 * Gives the memory of a chunk back at once, if the chunk is all that lies in it; nobody may look at it any more. Left to the garbage collector, a long body's
 * chunks make it go through the whole heap again and again, which costs a quarter of the body's processor time.
 */
export function letGo({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LEAST_BYTES || buffer.byteLength !== byteLength || !(buffer instanceof ArrayBuffer)) return;
  buffer.transfer(0);
}
