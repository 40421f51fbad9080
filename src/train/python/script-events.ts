/**
 * What a script tells while it runs, one JSON object a line, appended to a file: any process of it can write there, and what was written is there
 * whatever ends it.
 *
 *     {"metrics": {"loss": 0.3}, "step": 7, "at": 1796000000000}      {"progress": {"done": 3, "total": 10, "note": null}}
 */
import { open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";

export interface LoggedMetrics {
  /** "NaN", "inf" and "-inf" as texts. */
  readonly metrics: Readonly<Record<string, number | string>>;
  readonly step: number | null;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface EventListener {
  metrics(logged: LoggedMetrics): void;
  progress(done: number, total: number, note?: string): void;
}

const LOOK_MS = 200;
const CHUNK_BYTES = 1 << 16;
const LINE_CHARACTERS_MAX = 1 << 20;

export interface Following {
  /** Tells what is left, then no more. */
  end(): Promise<void>;
}

/** Looks a few times a second; memory does not grow with what is written. What is no event is left out. */
export function followEvents(path: string, listener: EventListener): Following {
  const decoder = new StringDecoder("utf8");
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let [position, rest] = [0, ""];
  let looking = Promise.resolve();
  const look = () => {
    looking = looking.then(readOn).catch(() => undefined); // there is no file before the first event
    return looking;
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    async end() {
      clearInterval(timer);
      await look();
    },
  };

  async function readOn(): Promise<void> {
    await using file = await open(path, "r");
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      const lines = (rest + decoder.write(buffer.subarray(0, bytesRead))).split("\n");
      rest = lines.pop()!.slice(0, LINE_CHARACTERS_MAX);
      for (const line of lines) tell(line);
    }
  }

  function tell(line: string): void {
    const event = parse(line);
    const { metrics, step, at, progress } = event ?? {};
    const whole = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : null);
    if (typeof metrics === "object" && metrics !== null)
      listener.metrics({ metrics: onlyNumbers(metrics), step: whole(step), atMs: whole(at) ?? Date.now() });
    const { done, total, note } = (progress ?? {}) as Record<string, unknown>;
    if (typeof done === "number" && typeof total === "number")
      listener.progress(done, total, typeof note === "string" ? note : undefined);
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

const onlyNumbers = (metrics: object): LoggedMetrics["metrics"] =>
  Object.fromEntries(
    Object.entries(metrics).filter(([, value]) => typeof value === "number" || ["nan", "inf", "-inf"].includes(value)),
  );
