/** Events pushed by work that goes on by itself, read one after the other; ends when the work ends, with its error if it had one. */
export function eventQueue<Event>() {
  const waiting: Event[] = [];
  let done = false;
  let wake = () => {};

  const push = (event: Event) => {
    waiting.push(event);
    wake();
  };

  async function closeWith(work: Promise<unknown>): Promise<void> {
    await work.catch((thrown) => failures.push(thrown));
    done = true;
    wake();
  }

  const failures: unknown[] = [];
  async function* read(): AsyncGenerator<Event> {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift()!;
      if (done) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failures.length > 0) throw failures[0];
  }

  return { push, closeWith, events: read() };
}
