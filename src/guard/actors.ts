import { PERMISSIONS, type Permission } from "../contract/index.ts";

/** Who asks. `may` includes the lesser permissions; "nothing" is a stranger. */
export interface Actor {
  readonly id: string;
  readonly may: Permission | "nothing";
  /** Has not said who it is. */
  readonly anonymous?: true;
}

/** The owner of the workspace: the process that opened it, or a bearer of the token. */
export const OWNER: Actor = { id: "owner", may: "admin" };
/** Someone on this machine, without a token. */
export const LOCAL: Actor = { id: "local", may: "predict", anonymous: true };
/** Someone elsewhere, without a token. */
export const STRANGER: Actor = { id: "stranger", may: "nothing", anonymous: true };

const RANK = { nothing: -1, ...Object.fromEntries(PERMISSIONS.map((name, rank) => [name, rank])) } as Record<
  Actor["may"],
  number
>;

export const mayDo = (actor: Actor, permission: Permission): boolean => RANK[actor.may] >= RANK[permission];
