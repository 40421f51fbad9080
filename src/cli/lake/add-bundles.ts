/** Small files go to the door many in one request, in the frames that `POST /BUCKET?import` reads. */
import { hash } from "node:crypto";
import { contentTypeOf } from "./content-types.ts";
import type { DoorClient } from "./door-client.ts";

export interface Bundles {
  /** Waits only while much is on its way. Errors: those of the door, of this file's bundle or of one before. */
  add(path: string, bytes: Uint8Array): Promise<void>;
  /** Sends what is left; resolves when all of it is staged. */
  end(): Promise<void>;
}

const FILES_MAX = 2000;
const BYTES_MAX = 4 << 20;
const TOGETHER_MAX = 3;

/** `staged` is told of files that are in the lake now. */
export function createBundles(door: DoorClient, target: string, staged: (files: number, bytes: number) => void): Bundles {
  const sending = new Set<Promise<void>>();
  let failure: unknown;
  let frames: Uint8Array[] = [];
  let [files, bytes] = [0, 0];

  const send = () => {
    if (files === 0) return;
    const [count, size] = [files, bytes];
    const body = Buffer.concat(frames);
    frames = [];
    files = bytes = 0;
    const request = { method: "POST", target, content: { sizeBytes: body.byteLength, bytes: body } } as const;
    const sent = door.ask(request).then(
      () => staged(count, size),
      (thrown) => {
        failure ??= thrown;
      },
    );
    const settled = sent.finally(() => void sending.delete(settled));
    sending.add(settled);
  };
  const check = () => {
    if (failure !== undefined) throw failure;
  };

  return {
    async add(path, content) {
      check();
      const contentType = contentTypeOf(path);
      const md5 = hash("md5", content, "hex");
      const header = Buffer.from(JSON.stringify({ path, sizeBytes: content.byteLength, md5, contentType }));
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32LE(header.byteLength);
      frames.push(length, header, content);
      bytes += content.byteLength;
      if (++files >= FILES_MAX || bytes >= BYTES_MAX) send();
      while (sending.size >= TOGETHER_MAX) await Promise.race(sending);
      check();
    },
    async end() {
      send();
      while (sending.size > 0) await Promise.race(sending);
      check();
    },
  };
}
