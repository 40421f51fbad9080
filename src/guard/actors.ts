import { PERMISSIONS, type Permission, type Rights, ROLES } from "../contract/index.ts";

/** Who asks, and what it may. */
export interface Actor extends Rights {
  readonly id: string;
  /** Has not said who it is. */
  readonly anonymous?: true;
}

/** The owner of the workspace: the process that opened it, or a bearer of the admin token. */
export const OWNER: Actor = { id: "owner", roles: ["admin"], may: new Set(PERMISSIONS) };
/** Someone on this machine, without a token. */
export const LOCAL: Actor = { id: "local", roles: ["viewer"], may: new Set(ROLES.viewer), anonymous: true };
/** Someone elsewhere, without a token. */
export const STRANGER: Actor = { id: "stranger", roles: [], may: new Set(), anonymous: true };

/** The script of a training step, at a door that is for such scripts alone. */
export const SCRIPT: Actor = { id: "script", roles: [], may: new Set(["read", "edit"]) };

/** Ids that mean someone already: no user takes them. */
export const RESERVED: ReadonlySet<string> = new Set([OWNER.id, LOCAL.id, STRANGER.id, SCRIPT.id]);

export const mayDo = (actor: Actor, permission: Permission): boolean => actor.may.has(permission);

/** The actor by way of a token or key, which allows some of what its roles allow and never more; null allows all of it. */
export const limited = (actor: Actor, token: string, may: readonly Permission[] | null): Actor => ({
  ...actor,
  token,
  may: may === null ? actor.may : new Set(may.filter((permission) => actor.may.has(permission))),
});
