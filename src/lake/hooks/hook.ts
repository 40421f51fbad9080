import type { MoveEvent } from "../repositories/guards.ts";

/** Asked before: may refuse. Told after: changes nothing any more. A revert and a cherry-pick bring something to a branch, as a merge does. */
export const HOOK_EVENTS = ["pre-commit", "post-commit", "pre-merge", "post-merge"] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What paths may be and hold. Patterns: `*` is anything but `/`, `**` anything. */
export interface FilesRule {
  /** Every path that is put fits one of these; none: any path may be put. */
  readonly allow?: readonly string[];
  readonly sizeBytesMax?: number;
  /** Paths that fit one of these are not removed. */
  readonly keep?: readonly string[];
}

/** What the rows of a table must be like, once the change is made. A table that is taken away is no table any more, and refuses nothing. */
export interface TableRule {
  /** Its folder with the `/`; empty: the root. */
  readonly table: string;
  /** Columns stay, with their types; more may come. */
  readonly compatible?: boolean;
  /** The share of its rows that it may lose, 0 to 1. */
  readonly fallMax?: number;
  /** Columns in which no two rows are equal; rows with a null in one of them pass. */
  readonly unique?: readonly (readonly string[])[];
  /** SQL over one row, true or false, that holds for a share of the rows (default 1: all). What is neither holds. */
  readonly checks?: readonly { readonly sql: string; readonly share?: number; readonly text?: string }[];
  /** For each question to the engine; default 60 s. */
  readonly timeoutSeconds?: number;
}

/** Somebody outside is asked, or told. */
export interface WebhookRule {
  readonly url: string;
  /** How long an answer is waited for; default 10 s. */
  readonly timeoutSeconds?: number;
}

interface Named {
  readonly name: string;
  readonly event: HookEvent;
  /** Names of branches, or patterns with `*`; empty: every branch. */
  readonly branches: readonly string[];
}

export type Rule =
  | { readonly kind: "files"; readonly rule: FilesRule }
  | { readonly kind: "table"; readonly rule: TableRule }
  | { readonly kind: "webhook"; readonly rule: WebhookRule };

export type NewHook = Named & Rule;
export type Hook = NewHook & { readonly repository: string; readonly createdAt: number };

export interface HookRun {
  readonly id: string;
  readonly repository: string;
  readonly hook: string;
  readonly event: HookEvent;
  readonly branch: string;
  /** Of a refused change: the commit that it would have been. */
  readonly commit: string;
  /** null: it is under way, or was cut off. */
  readonly passed: boolean | null;
  /** Why not, or what was found. */
  readonly detail: string;
  readonly at: number;
}

export interface Outcome {
  readonly passed: boolean;
  readonly detail: string;
}

export const passed = (detail = ""): Outcome => ({ passed: true, detail });
export const failed = (detail: string): Outcome => ({ passed: false, detail });

/** The events before and after a change; null: hooks are not asked. */
export function eventsOf(kind: MoveEvent["kind"]): readonly [before: HookEvent, after: HookEvent] | null {
  if (kind === "reset") return null;
  return kind === "commit" ? ["pre-commit", "post-commit"] : ["pre-merge", "post-merge"];
}
