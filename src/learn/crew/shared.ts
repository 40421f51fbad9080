/** Arrays in memory that all threads see. */
export const sharedFloat64 = (length: number) => new Float64Array(new SharedArrayBuffer(length * 8));
export const sharedFloat32 = (length: number) => new Float32Array(new SharedArrayBuffer(length * 4));
export const sharedInt32 = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
export const sharedUint32 = (length: number) => new Uint32Array(new SharedArrayBuffer(length * 4));
export const sharedUint8 = (length: number) => new Uint8Array(new SharedArrayBuffer(length));

export function sharedCopy(values: Float64Array): Float64Array {
  const copy = sharedFloat64(values.length);
  copy.set(values);
  return copy;
}

/** The part of `length` items that belongs to member `index` of `count`: contiguous, at most one item larger than another's. */
export function share(length: number, index: number, count: number): readonly [from: number, to: number] {
  return [Math.floor((length * index) / count), Math.floor((length * (index + 1)) / count)];
}
