import { MillError, parseDuration } from "../base/index.ts";
import type { Handlers } from "../contract/index.ts";
import { OWNER } from "./actors.ts";
import type { AccessKeys } from "./keys/access-keys.ts";
import type { WorkspaceKeyring } from "./keys/keyring.ts";
import { pageBy, toInstant } from "./pages.ts";
import { type Accounts, inForce, requireOwner } from "./people/accounts.ts";
import type { Secrets } from "./secrets/secrets.ts";
import type { Tokens } from "./tokens/tokens.ts";

export interface AccessResources {
  readonly tokens: Tokens;
  readonly accounts: Pick<Accounts, "find">;
  readonly accessKeys: AccessKeys;
  readonly secrets: Pick<Secrets, "rewrapAll">;
  readonly keyring: WorkspaceKeyring;
  /** Brings encrypted objects under the current key; `left` are still under another. */
  rotateObjects(): Promise<{ readonly renewed: number; readonly left: number }>;
}

type AccessVerbs = Pick<
  Handlers,
  | ("newToken" | "createToken" | "listTokens" | "revokeToken")
  | ("createAccessKey" | "listAccessKeys" | "revokeAccessKey" | "rotateKeys")
>;

export const accessVerbs = ({ tokens, accounts, accessKeys, secrets, keyring, rotateObjects }: AccessResources): AccessVerbs => ({
  async newToken(_, { actor }) {
    requireOwner(OWNER.id, actor);
    return { token: await tokens.renew(), path: tokens.path };
  },
  async createToken({ name, user, may = null, expires }, { actor }) {
    const expiresAt = expires === "never" ? null : Date.now() + parseDuration(expires!, "expires") / 1000;
    const asked = { name, user: user ?? actor, may };
    requireOwner(asked.user, actor);
    return { ...(await tokens.create({ ...asked, expiresAt })), ...asked, expiresAt: toInstant(expiresAt) };
  },
  async listTokens(asked) {
    const { items, next } = pageBy(await tokens.list(), ({ id }) => id, asked);
    return {
      items: items.map(({ createdAt, expiresAt, revokedAt, usedAt, ...token }) => ({
        ...token,
        createdAt: toInstant(createdAt),
        expiresAt: toInstant(expiresAt),
        revokedAt: toInstant(revokedAt),
        usedAt: toInstant(usedAt),
      })),
      next,
    };
  },
  async revokeToken({ id }) {
    if (await tokens.revoke(id)) return { id };
    throw new MillError("guard.token-unknown", `There is no token ${id} that works.`, {
      got: id,
      fix: "mill token list shows the tokens.",
    });
  },
  async createAccessKey({ user, may = ["read", "edit"], about = "" }, { actor }) {
    const bearer = user ?? actor;
    requireOwner(bearer, actor);
    inForce(await accounts.find(bearer), bearer);
    return { ...(await accessKeys.create({ actor: bearer, may, about })), user: bearer, may, about };
  },
  async listAccessKeys(asked) {
    const { items, next } = pageBy(await accessKeys.list(), ({ id }) => id, asked);
    return {
      items: items.map(({ createdAt, revokedAt, ...key }) => ({
        ...key,
        createdAt: toInstant(createdAt),
        revokedAt: toInstant(revokedAt),
      })),
      next,
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
    const sealed = (await accessKeys.rewrapAll()) + (await secrets.rewrapAll());
    const { renewed, left } = await rotateObjects();
    if (left === 0) for (const id of keyring.ids()) if (id !== current) await keyring.drop(id);
    return { current, secrets: sealed, objects: renewed, left };
  },
});
