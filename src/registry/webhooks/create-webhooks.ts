/** Webhooks on the records, each with an outbox of its own: one that is slow or away keeps no other waiting. */
import { asMillError, MillError, newId } from "../../base/index.ts";
import type { HeldSecrets } from "../../guard/index.ts";
import { createOutbox, createReceiver, type Notice, type Outbox, type Receiver, signed } from "../../ports/notices/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { readEntries } from "../ledger.ts";
import { bodyOf, exampleOf, ledgerEventsOf } from "./events.ts";
import { checkWebhook, eventsIn, wrong } from "./rules.ts";
import type { Webhook, Webhooks } from "./webhooks.ts";

export interface WebhooksResources {
  readonly records: Records;
  /** Where what is signed with lies sealed. */
  readonly secrets: HeldSecrets;
  /** Whether a receiver may lie on this machine or in a private network. */
  readonly allowPrivate: boolean;
  /** For the whole of a try; default 10 s. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

/** Entries that one commit hands on. */
const HANDED_MAX = 200;
/** Of prompts, which stand among the models. */
const OF_NO_PROMPT = `NOT EXISTS (SELECT 1 FROM registered_model_tags t WHERE t.model = registry_ledger.model
  AND t.key = 'mlflow.prompt.is_prompt' AND lower(t.value) = 'true')`;
const NEWEST = "(SELECT coalesce(max(seq), 0) FROM registry_ledger)";

export function createWebhooks({
  records,
  secrets,
  allowPrivate,
  timeoutMs = 10_000,
  now = Date.now,
}: WebhooksResources): Webhooks {
  const outboxes = new Map<string, Outbox>();
  const sending = new Set<Promise<unknown>>();
  let handing: Promise<void> | null = null;

  const webhooks: Webhooks = {
    async create({ secret = "", description = "", active = true, ...given }, actor) {
      checkWebhook({ ...given, secret, description });
      await requireOpen(given.url);
      const [id, at] = [newId(), now()];
      if (secret !== "") await secrets.hold({ name: secretOf(id), value: secret, by: actor });
      await records.commit([
        {
          sql: `INSERT INTO registry_webhooks (id, name, url, events, description, active, signs, told, created_at, created_by, updated_at)
            SELECT ?, ?, ?, ?, ?, ?, ?, ${NEWEST}, ?, ?, ? WHERE 1 = 1`,
          params: [
            ...[id, given.name, given.url, JSON.stringify(eventsIn(given.events)), description || null],
            ...[flag(active), flag(secret !== ""), at, actor, at],
          ],
        },
      ]);
      return webhooks.find(id);
    },

    async find(id) {
      const [found] = await read("id = ?", [id]);
      if (found) return found;
      throw unknownWebhook(id);
    },

    list: ({ limit, after }) =>
      read(`${after === undefined ? "1 = 1" : "id < ?"} ORDER BY id DESC LIMIT ?`, [
        ...(after === undefined ? [] : [after]),
        limit,
      ]),

    standing: (id) => outboxOf(id).standing(),

    async change(id, change, actor) {
      checkWebhook(change);
      const was = await webhooks.find(id);
      const { secret, url = was.url } = change;
      if (url !== was.url) await requireOpen(url);
      const { name, active, description } = { ...was, ...stated(change) };
      const events = change.events === undefined ? was.events : eventsIn(change.events);
      if (secret) await secrets.hold({ name: secretOf(id), value: secret, by: actor });
      const { committed } = await records.commit([
        {
          sql: `UPDATE registry_webhooks SET name = ?, url = ?, events = ?, description = ?, signs = ?, updated_at = ?,
            told = CASE WHEN active = 0 AND ? = 1 THEN ${NEWEST} ELSE told END, active = ? WHERE id = ?`,
          params: [
            ...[name, url, JSON.stringify(events), description || null],
            ...[flag(secret === undefined ? was.signs : secret !== ""), now(), flag(active), flag(active), id],
          ],
          rows: 1,
        },
      ]);
      if (!committed) throw unknownWebhook(id);
      if (secret === "") await secrets.drop(secretOf(id));
      return webhooks.find(id);
    },

    async remove(id) {
      const { committed } = await records.commit([
        { sql: "DELETE FROM registry_webhooks WHERE id = ?", params: [id], rows: 1 },
        { sql: "DELETE FROM notices WHERE topic = ?", params: [topicOf(id)] },
      ]);
      if (!committed) throw unknownWebhook(id);
      outboxes.delete(id);
      await secrets.drop(secretOf(id));
    },

    async test(id, event) {
      const webhook = await webhooks.find(id);
      const chosen = event === undefined ? webhook.events[0]! : eventsIn([event])[0]!;
      const [notice, receiver] = [{ id: newId(), topic: "", body: exampleOf(chosen, now()) }, receiverAt(webhook.url)];
      try {
        const status = await post(webhook, receiver, notice);
        const success = isTaken(status);
        return { success, status, error: success ? null : `The receiver answered ${status}.` };
      } catch (thrown) {
        return { success: false, status: null, error: asMillError(thrown).message };
      }
    },

    async deliver() {
      handing ??= handOn().finally(() => {
        handing = null;
      });
      await handing;
      const waiting = await records.query<{ id: string }>(
        `SELECT DISTINCT w.id FROM notices n JOIN registry_webhooks w ON n.topic = '${TOPIC}' || w.id
          WHERE w.active = 1 AND n.delivered_at IS NULL AND n.given_up_at IS NULL AND n.next_at <= ?`,
        [now()],
      );
      for (const { id } of waiting) {
        const sent = outboxOf(id)
          .flush()
          .catch(() => undefined); // what was not sent stays written down
        sending.add(sent);
        void sent.finally(() => sending.delete(sent));
      }
    },

    async settled() {
      while (sending.size > 0) await Promise.all(sending);
    },
  };

  async function read(where: string, params: readonly (string | number)[]): Promise<Webhook[]> {
    const rows = await records.query<WebhookRow>(
      `SELECT id, name, url, events, description, active, signs, created_at AS "createdAt", created_by AS "createdBy", updated_at AS "updatedAt"
        FROM registry_webhooks WHERE ${where}`,
      params,
    );
    return rows.map((row) => ({ ...row, events: JSON.parse(row.events), active: row.active === 1, signs: row.signs === 1 }));
  }

  /** Where it is known to be private, it is refused at once; a name that is not known today may be known tomorrow. */
  async function requireOpen(url: string): Promise<void> {
    await receiverAt(url)
      .check()
      .catch((error: MillError) => {
        if (error.code === "notice.private") throw wrong("url", error.expected!, "one of a private network", error.fix);
      });
  }

  /** Writes down, for each webhook, what it is to be told of what happened since. */
  async function handOn(): Promise<void> {
    const behind = await records.query<{ id: string; events: string; told: number; newest: number }>(
      `SELECT id, events, told, ${NEWEST} AS newest FROM registry_webhooks WHERE active = 1 AND told < ${NEWEST}`,
    );
    for (const { id, events, ...place } of behind) await handOnTo(id, ledgerEventsOf(JSON.parse(events)), place);
  }

  async function handOnTo(id: string, whats: readonly string[], place: { readonly told: number; readonly newest: number }) {
    const { newest } = place;
    for (let { told } = place; told < newest; ) {
      const entries = await readEntries(
        records,
        `seq > ? AND seq <= ? AND what IN (${whats.map(() => "?").join(", ")}) AND ${OF_NO_PROMPT} ORDER BY seq LIMIT ${HANDED_MAX}`,
        [told, newest, ...whats],
      );
      const until = entries.length === HANDED_MAX ? entries.at(-1)!.seq : newest;
      const { committed } = await records.commit([
        { sql: "UPDATE registry_webhooks SET told = ? WHERE id = ? AND told = ?", params: [until, id, told], rows: 1 },
        ...entries.flatMap((entry) => outboxOf(id).statements(topicOf(id), bodyOf(entry))),
      ]);
      if (!committed) return; // another server did, or it was changed: the next round looks again
      told = until;
    }
  }

  function outboxOf(id: string): Outbox {
    const known = outboxes.get(id);
    if (known) return known;
    const outbox = createOutbox({
      records,
      notices: { name: "webhook", send: (notice) => send(id, notice) },
      now,
      topics: topicOf(id),
    });
    outboxes.set(id, outbox);
    return outbox;
  }

  async function send(id: string, notice: Notice): Promise<void> {
    const [webhook] = await read("id = ?", [id]);
    if (!webhook) throw new MillError("notice.gone", "The webhook was deleted.", { at: id });
    const receiver = receiverAt(webhook.url);
    if (!webhook.active) throw receiver.failed("it is switched off");
    const status = await post(webhook, receiver, notice);
    if (isTaken(status)) return;
    if (status === 408 || status === 425 || status === 429 || status >= 500) throw receiver.failed(`it answered ${status}`);
    throw new MillError("notice.refused", `The webhook at ${receiver.host} answered ${status}.`, {
      at: receiver.host,
      expected: "an answer from 200 to 299; redirects are not followed",
      got: String(status),
      fix: "Correct the address or the receiver.",
    });
  }

  async function post({ id, signs }: Webhook, receiver: Receiver, notice: Notice): Promise<number> {
    const [body, seconds] = [Buffer.from(JSON.stringify(notice.body)), Math.floor(now() / 1000)];
    const secret = signs ? await secrets.held(secretOf(id)) : null;
    return receiver.post(body, {
      "x-mlflow-delivery-id": notice.id,
      "x-mlflow-timestamp": String(seconds),
      ...(secret !== null && { "x-mlflow-signature": signed(secret, { id: notice.id, seconds, body }) }),
    });
  }

  function receiverAt(url: string): Receiver {
    return createReceiver({ url, allowPrivate, timeoutMs });
  }

  return webhooks;
}

interface WebhookRow extends Omit<Webhook, "events" | "active" | "signs"> {
  readonly events: string;
  readonly active: number;
  readonly signs: number;
}

const TOPIC = "webhook/";
const topicOf = (id: string) => `${TOPIC}${id}`;
const secretOf = (id: string) => `webhook/${id}` as const;
const flag = (held: boolean) => (held ? 1 : 0);
const isTaken = (status: number) => status >= 200 && status < 300;

/** Without the fields that say nothing. */
const stated = <T extends object>(change: T) =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>;
  }>;

const unknownWebhook = (id: string) =>
  new MillError("registry.unknown-webhook", `There is no webhook "${id.slice(0, 100)}".`, {
    got: id.slice(0, 100),
    fix: "mill webhook list shows the webhooks.",
  });
