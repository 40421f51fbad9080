/** Python environments, made once per lock and machine. */

/** What makes an environment the same everywhere on one platform. */
export interface Lock {
  /** `3.11`. */
  readonly python: string;
  /** `linux-x86_64`. */
  readonly platform: string;
  /** As they were asked for. */
  readonly requirements: readonly string[];
  /** Every package that is in it, exact, by name. */
  readonly packages: readonly LockedPackage[];
  /** A requirements file with the hashes of all that may be installed. */
  readonly text: string;
}

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** As the package states it, an SPDX expression or a name; null: it states none. */
  readonly license: string | null;
}

export interface Interpreter {
  /** Major and minor version, `3.11`. */
  readonly python: string;
  /** `linux-x86_64`. */
  readonly platform: string;
}

export interface Making {
  readonly signal: AbortSignal;
  log(text: string): void;
}

export interface Environments {
  /** The Python of this machine, which a lock is for. Errors: `python.missing`. */
  interpreter(): Promise<Interpreter>;
  /**
   * Resolves requirements to exact versions, and makes their environment, which tells the licences. What can be had today is what is locked.
   * Errors: `python.missing`, `python.requirement`, `python.environment`.
   */
  lock(requirements: readonly string[], making: Making): Promise<Lock>;
  /**
   * The interpreter of the environment, as a path; the environment is made when it is not there, and then needs no network ever again.
   * Of two processes that make the same one, one wins and both go on. Errors: `python.missing`, `python.environment`.
   */
  open(lock: Pick<Lock, "python" | "platform" | "text">, making: Making): Promise<{ readonly python: string }>;
}
