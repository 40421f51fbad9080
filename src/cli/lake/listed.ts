import type { OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { comparePaths } from "./add-walk.ts";

export interface ListedObject {
  readonly path: string;
  readonly entry: NonNullable<OutputOf<"listObjects">["items"][number]["entry"]>;
}

export interface Place {
  readonly repository: string;
  readonly ref: string;
  readonly prefix: string;
}

const PAGE = 1000;

/** Every object of a ref below a prefix, in the order of its paths. */
export async function* listAll(call: BoundCall, place: Place): AsyncGenerator<ListedObject> {
  for (let cursor: string | undefined; ; ) {
    const { items, next } = await call("listObjects", { ...place, limit: PAGE, ...(cursor !== undefined && { cursor }) });
    for (const { path, entry } of items) if (entry !== null) yield { path, entry };
    if (next === null) return;
    cursor = next;
  }
}

/** Finds objects by paths that are asked for in ascending order, and passes over what lies between. */
export interface Listed {
  at(path: string): Promise<ListedObject | null>;
  /** Passes over what is left. */
  rest(): Promise<void>;
}

/** `passed` is told of every object that was not asked for; without it long stretches are not even read. */
export function createListed(call: BoundCall, place: Place, passed: ((path: string) => void) | null): Listed {
  let page: readonly ListedObject[] = [];
  let index = 0;
  let cursor: string | undefined;
  let ended = false;

  const read = async () => {
    const { items, next } = await call("listObjects", { ...place, limit: PAGE, ...(cursor !== undefined && { cursor }) });
    page = items.flatMap(({ path, entry }) => (entry === null ? [] : { path, entry }));
    index = 0;
    ended = next === null;
    cursor = next ?? undefined;
  };

  return {
    async at(path) {
      for (;;) {
        for (; index < page.length; index++) {
          const found = page[index]!;
          const order = comparePaths(found.path, path);
          if (order > 0) return null;
          if (order === 0) return page[index++]!;
          passed?.(found.path);
        }
        if (ended) return null;
        if (passed === null) cursor = later(cursor, justBefore(path));
        await read();
      }
    },
    async rest() {
      if (passed === null) return;
      for (;;) {
        for (; index < page.length; index++) passed(page[index]!.path);
        if (ended) return;
        await read();
      }
    },
  };
}

const later = (a: string | undefined, b: string): string => (a === undefined || comparePaths(a, b) < 0 ? b : a);

/** A text before the path with hardly a path between them. */
function justBefore(path: string): string {
  const last = path.charCodeAt(path.length - 1);
  const begin = path.slice(0, -1);
  if (last <= 0x20 || last > 0x7f || Buffer.byteLength(path) > 1000)
    return begin.toWellFormed() === begin ? begin : begin.slice(0, -1);
  return `${begin}${String.fromCharCode(last - 1)}\u{10ffff}`;
}
