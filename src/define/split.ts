import { MillError } from "../base/index.ts";
import type { Split } from "./definitions.ts";
import { fieldsOf, number, oneOf, text } from "./options.ts";

/** Shares of the rows, each above 0, together below 1; the rest is trained on. */
export interface Shares {
  /** Chooses thresholds and compares models. */
  readonly test: number;
  /** Read once for each model version, by the gate. */
  readonly holdout: number;
}

/** The newest rows are held out, those before them test: `byTime({ test: 0.15, holdout: 0.15 })`. The data set needs `time`. */
export function byTime(shares: Shares): Extract<Split, { split: "time" }> {
  return Object.freeze({ split: "time", ...readShares("byTime", fieldsOf("byTime", shares, ["test", "holdout"])) });
}

/**
 * A salted hash of the entity key, or of the whole row where there is none, decides: rows of one entity stay together.
 * `salt`: another one draws another split; the data set's name when left out.
 */
export function byHash(shares: Shares & { readonly salt?: string | undefined }): Extract<Split, { split: "hash" }> {
  const given = fieldsOf("byHash", shares, ["test", "holdout", "salt"]);
  return Object.freeze({
    split: "hash",
    ...readShares("byHash", given),
    salt: given.salt === undefined ? "" : text("byHash: salt", given.salt),
  });
}

function readShares(at: string, given: Readonly<Record<string, unknown>>): Shares {
  const [test, holdout] = (["test", "holdout"] as const).map((key) =>
    number(`${at}: ${key}`, given[key], { above: 0, below: 1 }),
  );
  if (test! + holdout! < 1) return { test: test!, holdout: holdout! };
  throw new MillError("define.bad-value", `${at}: test ${test} and holdout ${holdout} leave no rows to train on.`, {
    at,
    expected: "shares that sum to less than 1",
    got: `${test} + ${holdout}`,
    fix: `Write ${at}({ test: 0.15, holdout: 0.15 }).`,
  });
}

/** The split of a data set; checked against its time column. An empty salt becomes the data set's name. */
export function readSplit(at: string, given: unknown, time: string | undefined, dataset: string): Split {
  const { split, salt, ...shares } = fieldsOf(at, given, ["split", "test", "holdout", "salt"]);
  if (oneOf(`${at}: split`, split, ["time", "hash"]) === "hash")
    return byHash({ ...(shares as unknown as Shares), salt: salt === "" ? dataset : (salt as string | undefined) });
  const read = byTime(shares as unknown as Shares);
  if (time !== undefined) return read;
  throw new MillError("define.time-missing", `${at}: byTime needs to know when rows happened.`, {
    at,
    expected: "a data set with `time`",
    got: "a data set without it",
    fix: 'Name the column that says when a row happened, as in time: "date", or split byHash({ test, holdout }).',
  });
}
