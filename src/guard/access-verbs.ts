import { MillError } from "../base/index.ts";
import type { Handlers } from "../contract/index.ts";
import type { AccessKeys } from "./access-keys.ts";
import type { WorkspaceKeyring } from "./keyring.ts";
import type { Tokens } from "./tokens.ts";

export interface AccessResources {
  readonly tokens: Tokens;
  readonly accessKeys: AccessKeys;
  readonly keyring: WorkspaceKeyring;
  /** Brings encrypted objects under the current key; `left` are still under another. */
  rotateObjects(): Promise<{ readonly renewed: number; readonly left: number }>;
}

type AccessVerbs = Pick<Handlers, "newToken" | "createAccessKey" | "listAccessKeys" | "revokeAccessKey" | "rotateKeys">;

export const accessVerbs = ({ tokens, accessKeys, keyring, rotateObjects }: AccessResources): AccessVerbs => ({
  newToken: async () => ({ token: await tokens.renew(), path: tokens.path }),
  async createAccessKey({ may = "operate", about = "" }, { actor }) {
    return { ...(await accessKeys.create({ actor, may, about })), may, about };
  },
  async listAccessKeys({ limit, cursor }) {
    const all = await accessKeys.list();
    const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    const items = all.slice(from, from + limit!);
    return {
      items: items.map(({ createdAt, revokedAt, ...key }) => ({
        ...key,
        createdAt: new Date(createdAt).toISOString(),
        revokedAt: revokedAt === null ? null : new Date(revokedAt).toISOString(),
      })),
      next: from + items.length < all.length ? items.at(-1)!.id : null,
    };
  },
  async revokeAccessKey({ key }) {
    if (await accessKeys.revoke(key)) return { key };
    throw new MillError("guard.access-key-unknown", `There is no access key ${key} that works.`, {
      got: key,
      fix: "mill key list shows the keys.",
    });
  },
  /** The keys before are forgotten once nothing is under them any more: a fault on the way leaves them, and the next rotation goes on. */
  async rotateKeys() {
    const current = await keyring.rotate();
    const secrets = await accessKeys.rewrapAll();
    const { renewed, left } = await rotateObjects();
    if (left === 0) for (const id of keyring.ids()) if (id !== current) await keyring.drop(id);
    return { current, secrets, objects: renewed, left };
  },
});
