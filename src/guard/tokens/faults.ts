/** Why a token lets nobody in. Who bears a token that was ours is told what became of it. */
import { MillError } from "../../base/index.ts";

export const wrongToken = () =>
  new MillError("guard.token-wrong", "The token that was sent is not one of this workspace.", {
    expected: "Authorization: Bearer TOKEN, or Basic with the token as password",
    got: "another token",
    fix: "Send one that `mill token create` made, or the admin token, which `mill token` prints; look whether it was copied whole.",
  });

export const expiredToken = (name: string, expiresAt: number) =>
  new MillError("guard.token-expired", `The token "${name}" expired at ${new Date(expiresAt).toISOString()}.`, {
    fix: "Ask someone with admin for another: mill token create NAME --user USER",
  });

export const revokedToken = (name: string, revokedAt: number) =>
  new MillError("guard.token-revoked", `The token "${name}" was revoked at ${new Date(revokedAt).toISOString()}.`, {
    fix: "Ask someone with admin for another: mill token create NAME --user USER",
  });
