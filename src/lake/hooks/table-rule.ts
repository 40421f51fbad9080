/**
 * Judges a table as a change would leave it, on its Parquet files, in an engine that can read these files and nothing else: expressions come from
 * whoever may make hooks.
 */
import { type Digest, MillError } from "../../base/index.ts";
import { quoteIdentifier, quoteLiteral } from "../../express/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import { decodeEntry } from "../repositories/encode-entry.ts";
import { readTable, type TableReader } from "../tables/in-repository.ts";
import { parquet } from "../tables/relation.ts";
import type { Tree } from "../tree/tree.ts";
import { failed, type Outcome, passed, type TableRule } from "./hook.ts";

export interface TableRuleResources {
  readonly tree: Tree;
  readonly objects: Objects;
  /** A fresh engine; closed after use. */
  tables(): Tables;
}

const TIMEOUT_S = 60;

export async function judgeTable(
  rule: TableRule,
  { base, root }: { readonly base: Digest; readonly root: Digest },
  { tree, objects, tables }: TableRuleResources,
): Promise<Outcome> {
  const pathsOf = async (from: Digest): Promise<string[]> => {
    const { files } = await readTable(treeReader(tree), from, rule.table, objects);
    return Promise.all(files.map(({ digest }) => objects.pathOf(digest)));
  };
  const [before, after] = [await pathsOf(base), await pathsOf(root)];
  if (after.length === 0) return passed("the table has no files");
  const engine = tables();
  const deadline = performance.now() + (rule.timeoutSeconds ?? TIMEOUT_S) * 1000;
  const timer = setInterval(() => performance.now() > deadline && engine.interrupt(), 100);
  try {
    await lockDown(engine, [...before, ...after]);
    for (const judge of [judgeColumns, judgeCount, judgeUnique, judgeChecks]) {
      const wrong = await judge(rule, before, after, engine);
      if (wrong !== null) return failed(wrong);
    }
    return passed(`${await countRows(after, engine)} rows`);
  } catch (thrown) {
    if (!(thrown instanceof MillError) || !thrown.code.startsWith("tables.")) throw thrown;
    return failed(`it could not be judged: ${thrown.message}`);
  } finally {
    clearInterval(timer);
    engine.close();
  }
}

/** A tree as what tables are read from; a ref is a root. */
const treeReader = (tree: Tree): TableReader => ({
  async entry(root, path) {
    const value = await tree.get(root as Digest, path);
    return value && decodeEntry(value);
  },
  async *scan(root, prefix = "") {
    for await (const batch of tree.scan(root as Digest, { prefix }))
      yield batch.map(({ path, value }) => ({ path, entry: decodeEntry(value) }));
  },
});

/** From here on the engine opens no other file, no address, and cannot be told otherwise. */
async function lockDown(engine: Tables, paths: readonly string[]): Promise<void> {
  await engine.run(`SET allowed_paths = [${[...new Set(paths)].map(quoteLiteral).join(", ")}]`);
  await engine.run("SET enable_external_access = false");
  await engine.run("SET lock_configuration = true");
}

type Judge = (rule: TableRule, before: readonly string[], after: readonly string[], engine: Tables) => Promise<string | null>;

const judgeColumns: Judge = async ({ compatible }, before, after, engine) => {
  if (!compatible || before.length === 0) return null;
  const typesOf = async (paths: readonly string[]) =>
    new Map((await engine.describe(`SELECT * FROM ${parquet(paths)}`)).map(({ name, type }) => [name, type]));
  const [old, now] = [await typesOf(before), await typesOf(after)];
  for (const [name, type] of old) {
    const got = now.get(name);
    if (got === undefined) return `the column "${name}" is missing`;
    if (got !== type) return `the column "${name}" was ${type} and is ${got}`;
  }
  return null;
};

const judgeCount: Judge = async ({ fallMax }, before, after, engine) => {
  if (fallMax === undefined || before.length === 0) return null;
  const [old, now] = [await countRows(before, engine), await countRows(after, engine)];
  if (now >= old * (1 - fallMax)) return null;
  return `${old} rows would become ${now}, which is more than a share of ${fallMax} less`;
};

const judgeUnique: Judge = async ({ unique = [] }, _before, after, engine) => {
  for (const columns of unique) {
    const names = columns.map(quoteIdentifier);
    const [twice] = await engine.rows(
      `SELECT CAST(to_json([${names.map((name) => `${name}::VARCHAR`).join(", ")}]) AS VARCHAR) AS id, count(*) AS n FROM ${parquet(after)}
        WHERE ${names.map((name) => `${name} IS NOT NULL`).join(" AND ")} GROUP BY ${names.join(", ")} HAVING count(*) > 1 ORDER BY id LIMIT 1`,
    );
    if (twice) return `${twice.n} rows have the same ${columns.join(", ")}: ${twice.id}`;
  }
  return null;
};

const judgeChecks: Judge = async ({ checks = [] }, _before, after, engine) => {
  for (const { sql, share = 1, text = sql } of checks) {
    const rows = `SELECT (\n${sql}\n) AS holds FROM ${parquet(after)}`;
    const described = await engine.describe(rows); // a statement alone, or it fails
    if (described.length !== 1 || described[0]!.type !== "BOOLEAN")
      return `"${text}" is no condition: it gives ${described.map(({ type }) => type).join(", ")}, not BOOLEAN`;
    const [counted] = await engine.rows(`SELECT count(*) AS n, count(*) FILTER (holds IS FALSE) AS wrong FROM (${rows})`);
    const [n, wrong] = [Number(counted!.n), Number(counted!.wrong)];
    if (n - wrong < n * share) return `"${text}" does not hold for ${wrong} of ${n} rows`;
  }
  return null;
};

async function countRows(paths: readonly string[], engine: Tables): Promise<number> {
  const [row] = await engine.rows(`SELECT count(*) AS n FROM ${parquet(paths)}`);
  return Number(row!.n);
}
