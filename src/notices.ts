/** Who is told outside, as configured. What an address or the secret to sign with is named by `secret:NAME`, is read anew for each notice. */
import { resolve } from "node:path";
import { type Config, secretNamed } from "./contract/index.ts";
import type { NamedSecrets } from "./guard/index.ts";
import { createNoticeFile, createWebhook, type Notices } from "./ports/notices/index.ts";

export interface ConfiguredNotices {
  /** Where alerts are sent; null: nowhere. */
  readonly alerts: Notices | null;
  /** Where OpenLineage events go; null: nowhere. */
  readonly lineage: Notices | null;
  /** For hooks: whoever they name. Errors: `notice.bad-target`. */
  webhook(url: string, timeoutMs: number): Notices;
}

type Settings = Pick<Config, "project" | "webhook" | "webhookSecret" | "webhookPrivate" | "openLineage">;

/** Errors: `notice.bad-target`. */
export function configuredNotices(config: Settings, secrets: Pick<NamedSecrets, "resolve">): ConfiguredNotices {
  const { webhookSecret: secret, webhookPrivate: allowPrivate } = config;

  const post = (url: string, at: string, more: { readonly timeoutMs?: number } = {}): Notices => {
    if (secretNamed(url) === null && secretNamed(secret ?? "") === null)
      return createWebhook({ url, secret, allowPrivate, ...more });
    const open = async () =>
      createWebhook({
        url: await secrets.resolve(url, at),
        secret: secret && (await secrets.resolve(secret, "webhookSecret")),
        allowPrivate,
        ...more,
      });
    return { name: "webhook", send: async (notice) => (await open()).send(notice) };
  };

  const { webhook, openLineage, project } = config;
  const isFile = !/^(https?|secret):/i.test(openLineage ?? "");
  return {
    alerts: webhook === null ? null : post(webhook, "webhook"),
    lineage:
      openLineage === null ? null : isFile ? createNoticeFile(resolve(project, openLineage)) : post(openLineage, "openLineage"),
    webhook: (url, timeoutMs) => post(url, "the hook", { timeoutMs }),
  };
}
