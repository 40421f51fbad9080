/** `mill lake ...`: the repositories of the lake. What help says of a verb stands in the verb table. */
import { VERBS } from "../../contract/index.ts";
import type { Command, CommandInfo } from "../command.ts";

type Form = Pick<CommandInfo, "operands" | "operandsMin" | "operandsMax" | "flags">;
type Verb = keyof typeof VERBS;

const of = (verb: Verb, form: Form, load: () => Promise<Command>): CommandInfo => ({
  about: VERBS[verb].about,
  example: VERBS[verb].example,
  ...form,
  load: async () => ({ command: await load() }),
});

const one = (operands: string, flags?: CommandInfo["flags"]): Form => ({
  operands,
  operandsMin: 1,
  operandsMax: 1,
  ...(flags && { flags }),
});
const two = (operands: string, flags?: CommandInfo["flags"]): Form => ({
  ...one(operands, flags),
  operandsMin: 2,
  operandsMax: 2,
});

const PAGE = {
  limit: { about: "Items at most, 1 to 1000.", value: "N" },
  cursor: { about: "Go on behind this one: `next` of the page before.", value: "TEXT" },
};
const JOBS = { jobs: { about: "Files at the same time, 1 to 256; 32 by default.", value: "N" } };
const MESSAGE = { message: { about: "Why, for the record.", value: "TEXT" } };
const EXPECT = { expect: { about: "The head that was seen: with another one nothing happens.", value: "COMMIT" } };
const MERGE = {
  ...MESSAGE,
  ...EXPECT,
  strategy: { about: "Which side counts in every conflict: ours or theirs.", value: "SIDE" },
  ours: { about: "Paths, with commas between, of which our side counts.", value: "PATHS" },
  theirs: { about: "Paths of which their side counts.", value: "PATHS" },
  files: { about: "Merge files only, not the rows of tables." },
};

const repositories = () => import("./repositories.ts");
const refs = () => import("./refs.ts");
const objects = () => import("./objects.ts");
const history = () => import("./history.ts");
const upkeep = () => import("./upkeep.ts");

export const LAKE_COMMANDS: Readonly<Record<string, CommandInfo>> = {
  "lake list": of("listRepositories", { operands: "", operandsMax: 0, flags: PAGE }, async () => (await repositories()).list),
  "lake create": of(
    "createRepository",
    one("NAME", { bucket: { about: "Let the bucket of this name show this branch.", value: "BRANCH" } }),
    async () => (await repositories()).create,
  ),
  "lake show": of("getRepository", one("REPOSITORY"), async () => (await repositories()).show),
  "lake delete": of("deleteRepository", one("REPOSITORY"), async () => (await repositories()).remove),

  "lake branches": of("listBranches", one("REPOSITORY", PAGE), async () => (await refs()).branches),
  "lake branch": of(
    "createBranch",
    two("REPOSITORY[@REF] NAME", { delete: { about: "Take the branch away." } }),
    async () => (await refs()).branch,
  ),
  "lake protect": of(
    "protectBranch",
    one("REPOSITORY@BRANCH", { off: { about: "Let it be changed freely again." } }),
    async () => (await refs()).protect,
  ),
  "lake tags": of("listTags", one("REPOSITORY", PAGE), async () => (await refs()).tags),
  "lake tag": of(
    "createTag",
    two("REPOSITORY[@REF] NAME", { delete: { about: "Take the tag away." } }),
    async () => (await refs()).tag,
  ),

  "lake add": {
    about: "Add files, and the files of folders, to a branch; what is there already is not sent again.",
    example: "mill lake add photos@relabel ./cats --to cats --message 'More cats'",
    operands: "REPOSITORY[@BRANCH] PATH ...",
    operandsMin: 2,
    operandsMax: 10_000,
    flags: {
      to: { about: "The folder of the lake that they go into; default: its root.", value: "FOLDER" },
      message: { about: "Commit what is staged at the end, with this message.", value: "TEXT" },
      delete: { about: "Remove what is below FOLDER in the lake and not among the files." },
      ...JOBS,
    },
    load: async () => ({ command: (await import("./add.ts")).add }),
  },
  "lake get": {
    about: "Write objects of the lake as files; what is there already with the same content is left alone.",
    example: "mill lake get photos@v2 cats --to ./cats",
    operands: "REPOSITORY[@REF] [PATH|FOLDER]",
    operandsMin: 1,
    operandsMax: 2,
    flags: { to: { about: "Where they go; default: here.", value: "FOLDER" }, ...JOBS },
    load: async () => ({ command: (await import("./get.ts")).get }),
  },
  "lake ls": of(
    "listObjects",
    {
      operands: "REPOSITORY[@REF] [PREFIX]",
      operandsMin: 1,
      operandsMax: 2,
      flags: { ...PAGE, recursive: { about: "All below, not folder by folder." } },
    },
    async () => (await objects()).ls,
  ),
  "lake rm": of(
    "removeObjects",
    {
      operands: "REPOSITORY@BRANCH PATH ...",
      operandsMin: 2,
      operandsMax: 1001,
      flags: { recursive: { about: "PATH is a prefix: all below it." } },
    },
    async () => (await objects()).rm,
  ),

  "lake status": of("listStaged", one("REPOSITORY[@BRANCH]", PAGE), async () => (await history()).status),
  "lake commit": of("commit", one("REPOSITORY[@BRANCH]", { ...MESSAGE, ...EXPECT }), async () => (await history()).commit),
  "lake reset": of(
    "resetBranch",
    one("REPOSITORY@BRANCH", {
      prefix: { about: "Only below this.", value: "PREFIX" },
      to: { about: "Set the branch to this commit.", value: "REF" },
      ...EXPECT,
    }),
    async () => (await history()).reset,
  ),
  "lake log": of(
    "listCommits",
    one("REPOSITORY[@REF]", { ...PAGE, path: { about: "Only commits that changed it.", value: "PATH" } }),
    async () => (await history()).log,
  ),
  "lake diff": of(
    "diffRefs",
    two("REPOSITORY@REF [REPOSITORY@]REF", { ...PAGE, prefix: { about: "Only below this.", value: "PREFIX" } }),
    async () => (await history()).diff,
  ),
  "lake merge": of("merge", two("REPOSITORY@REF BRANCH", MERGE), async () => (await history()).merge),
  "lake revert": of("revert", two("REPOSITORY@BRANCH COMMIT", MERGE), async () => (await history()).revert),
  "lake cherry-pick": of("cherryPick", two("REPOSITORY@BRANCH COMMIT", MERGE), async () => (await history()).cherryPick),

  "lake locks": of("listLocks", one("REPOSITORY", PAGE), async () => (await upkeep()).locks),
  "lake lock": of(
    "takeLock",
    {
      operands: "REPOSITORY@BRANCH [PREFIX]",
      operandsMin: 1,
      operandsMax: 2,
      flags: {
        why: { about: "What for; others are told.", value: "TEXT" },
        minutes: { about: "How long, 60 by default.", value: "N" },
      },
    },
    async () => (await upkeep()).lock,
  ),
  "lake unlock": of(
    "releaseLock",
    {
      operands: "REPOSITORY@BRANCH [PREFIX]",
      operandsMin: 1,
      operandsMax: 2,
      flags: { force: { about: "Whoever holds it; for administrators." } },
    },
    async () => (await upkeep()).unlock,
  ),
  "lake hooks": of("listHooks", one("REPOSITORY", PAGE), async () => (await upkeep()).hooks),
  "lake hook": of(
    "putHook",
    two("REPOSITORY NAME", {
      event: { about: "pre-commit, post-commit, pre-merge or post-merge.", value: "EVENT" },
      branches: { about: "Branches, with commas between; * stands for anything. Default: all.", value: "NAMES" },
      files: { about: 'Paths: {"allow": [...], "sizeBytesMax": N, "keep": [...]}.', value: "JSON" },
      table: {
        about:
          'Rows: {"table": "orders/", "compatible": true, "fallMax": 0.1, "unique": [["id"]], "checks": [{"sql": "price > 0"}]}.',
        value: "JSON",
      },
      webhook: { about: "Somebody outside, by a signed post.", value: "URL" },
      delete: { about: "Take the hook away." },
    }),
    async () => (await upkeep()).hook,
  ),
  "lake hook-runs": of(
    "listHookRuns",
    one("REPOSITORY", { ...PAGE, hook: { about: "Of this hook only.", value: "NAME" } }),
    async () => (await upkeep()).hookRuns,
  ),
  "lake retention": of(
    "setRetention",
    one("REPOSITORY", {
      days: { about: "Of all branches that are not named.", value: "N" },
      branches: { about: "Days by branch or pattern, as in main=365,release-*=3650.", value: "LIST" },
      "free-tags": { about: "Give up tagged commits as the others." },
      forever: { about: "Keep everything." },
    }),
    async () => (await upkeep()).retention,
  ),
  "lake collect": of(
    "collect",
    {
      operands: "",
      operandsMax: 0,
      flags: {
        remove: { about: "Remove; without it only tell what would go." },
        grace: { about: "Hours for which what was put stays in any case, 24 by default.", value: "N" },
      },
    },
    async () => (await upkeep()).collect,
  ),
  "lake collections": of(
    "listCollections",
    { operands: "[COLLECTION]", operandsMax: 1, flags: PAGE },
    async () => (await upkeep()).collections,
  ),
  "lake verify": of(
    "verify",
    {
      operands: "[REPOSITORY]",
      operandsMax: 1,
      flags: { content: { about: "Read every object, and not only look whether it is there." } },
    },
    async () => (await upkeep()).verify,
  ),
};
