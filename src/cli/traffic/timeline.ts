/**
 * Rows in the order of their times become steps of data time: first what became known before a step, then what is asked in it. So labels come when
 * they are known, out of the order of the predictions, and no request is asked before an event that it should have known.
 */

export interface Timed {
  /** Data time in microseconds. */
  readonly time: number;
  /** Whether a prediction is asked for. */
  readonly asked: boolean;
  /** From when on the whole row, and its label, are known; null: never. */
  readonly eventKnown: number | null;
  readonly labelKnown: number | null;
}

export interface Step<T> {
  /** The step lasts from here for its span; microseconds. */
  readonly at: number;
  readonly events: readonly T[];
  readonly labels: readonly T[];
  readonly asked: readonly T[];
}

/** Steps in which something is sent, in their order. Holds the rows that are not known yet, and one page of rows ahead. */
export async function* timeline<T extends Timed>(rows: AsyncIterable<T>, stepMicros: number): AsyncGenerator<Step<T>> {
  const due = new Map<number, { events: T[]; labels: T[] }>();
  const dueAt = (at: number) => due.get(at) ?? due.set(at, { events: [], labels: [] }).get(at)!;
  const stepOf = (micros: number) => Math.floor(micros / stepMicros) * stepMicros;
  /** The first step that begins when it is known, and behind the row's own. */
  const sendingOf = (known: number, time: number) =>
    Math.max(Math.ceil(known / stepMicros) * stepMicros, stepOf(time) + stepMicros);

  const source = rows[Symbol.asyncIterator]();
  try {
    let next = await source.next();
    for (;;) {
      const at = Math.min(next.done ? Number.POSITIVE_INFINITY : stepOf(next.value.time), ...due.keys());
      if (at === Number.POSITIVE_INFINITY) return;
      const { events, labels } = due.get(at) ?? { events: [], labels: [] };
      due.delete(at);
      const asked: T[] = [];
      for (; !next.done && stepOf(next.value.time) <= at; next = await source.next()) {
        const row = next.value;
        if (row.asked) asked.push(row);
        if (row.eventKnown !== null) dueAt(sendingOf(row.eventKnown, row.time)).events.push(row);
        if (row.asked && row.labelKnown !== null) dueAt(sendingOf(row.labelKnown, row.time)).labels.push(row);
      }
      if (events.length + labels.length + asked.length > 0) yield { at, events, labels, asked };
    }
  } finally {
    await source.return?.(undefined);
  }
}

/** Several streams in the order of their times as one. */
export async function* merged<T extends Pick<Timed, "time">>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const sources = streams.map((stream) => stream[Symbol.asyncIterator]());
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    const times = heads.map((head) => (head.done ? Number.POSITIVE_INFINITY : head.value.time));
    const first = times.indexOf(Math.min(...times));
    const head = heads[first];
    if (head === undefined || head.done) return;
    yield head.value;
    heads[first] = await sources[first]!.next();
  }
}
