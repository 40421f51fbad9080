/** What every way of telling somebody must do. A driver's test calls `noticesSuite` with a way to open one beside a real receiver. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, MillError, newId } from "../../base/index.ts";
import type { Notices } from "./notices.ts";

export interface Received {
  readonly id: string;
  readonly body: Json;
}

export interface OpenedNotices {
  readonly notices: Notices;
  /** What the receiver took, in order. */
  readonly received: readonly Received[];
  /** How the receiver meets what comes next. */
  receiver(state: "well" | "failing" | "away" | "gone"): Promise<void>;
  close(): Promise<void>;
}

const SECRET_BODY = "only-for-the-receiver";

export function noticesSuite(driver: string, open: () => Promise<OpenedNotices>): void {
  const withNotices = (title: string, body: (opened: OpenedNotices) => Promise<void>) =>
    test(`${driver}: ${title}`, async () => {
      const opened = await open();
      try {
        await body(opened);
      } finally {
        await opened.close();
      }
    });
  const refused = (code: string) => (error: unknown) => {
    assert.ok(error instanceof MillError);
    assert.equal(error.code, code);
    assert.ok(!JSON.stringify([error.message, error.at, error.got, error.fix]).includes(SECRET_BODY));
    return true;
  };

  withNotices("a notice arrives whole, under its id, before `send` resolves", async ({ notices, received }) => {
    const bodies: Json[] = [{ a: [1, "ü €", null, { "": true }] }, "text", [], { long: "x".repeat(200_000) }];
    for (const body of bodies) {
      const id = newId();
      await notices.send({ id, topic: "t", body });
      assert.deepEqual(received.at(-1), { id, body });
    }
    assert.equal(received.length, bodies.length);
  });

  withNotices("the same notice sent again has the same id", async ({ notices, received }) => {
    const notice = { id: newId(), topic: "t", body: { n: 1 } };
    await notices.send(notice);
    await notices.send(notice);
    assert.deepEqual(
      received.map(({ id }) => id),
      [notice.id, notice.id],
    );
  });

  for (const state of ["failing", "away"] as const)
    withNotices(
      `a receiver that is ${state} is told as worth another try, and takes the notice once it is well`,
      async (opened) => {
        const notice = { id: newId(), topic: "t", body: { secret: SECRET_BODY } };
        await opened.receiver(state);
        await assert.rejects(opened.notices.send(notice), refused("notice.failed"));
        await opened.receiver("well");
        await opened.notices.send(notice);
        assert.deepEqual(
          opened.received.map(({ id }) => id),
          [notice.id],
        );
      },
    );

  withNotices("a receiver that wants no more is told apart", async ({ notices, receiver }) => {
    await receiver("gone");
    await assert.rejects(notices.send({ id: newId(), topic: "t", body: SECRET_BODY }), refused("notice.gone"));
  });
}
