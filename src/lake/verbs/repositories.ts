/** Repositories, their refs and objects. */
import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { Repositories, RepositoryInfo } from "../repositories/repository.ts";
import { entryOnWire, instant, pageOf, toPage } from "./wire.ts";

type RepositoryVerbs = Pick<
  Handlers,
  | "listRepositories"
  | "createRepository"
  | "getRepository"
  | "deleteRepository"
  | "listBranches"
  | "createBranch"
  | "deleteBranch"
  | "protectBranch"
  | "listTags"
  | "createTag"
  | "deleteTag"
  | "listObjects"
  | "removeObjects"
>;

export function repositoryVerbs(repositories: Repositories): RepositoryVerbs {
  return {
    async listRepositories(page) {
      const found = await repositories.list(toPage(page));
      return pageOf(found.map(infoOnWire), page, ({ name }) => name);
    },
    createRepository: async ({ name, bucketBranch }, { actor }) =>
      infoOnWire(await repositories.create({ name, actor, ...(bucketBranch !== undefined && { bucketBranch }) })),
    async getRepository({ repository }) {
      const one = repositories.of(repository);
      const info = await one.info();
      const head = await one.commitOf(info.defaultBranch);
      return { ...infoOnWire(info), head: head.id, objects: await one.count(head.id) };
    },
    async deleteRepository({ repository }) {
      await repositories.remove(repository);
      return { repository };
    },

    async listBranches({ repository, ...page }) {
      return pageOf(await repositories.of(repository).branches(toPage(page)), page, ({ name }) => name);
    },
    async createBranch({ repository, branch, from }) {
      const one = repositories.of(repository);
      return one.createBranch(branch, from ?? (await one.info()).defaultBranch);
    },
    async deleteBranch({ repository, branch }) {
      await repositories.of(repository).deleteBranch(branch);
      return { branch };
    },
    async protectBranch({ repository, branch, on }) {
      const one = repositories.of(repository);
      await one.protect(branch, on);
      return { name: branch, head: (await one.commitOf(branch)).id, protected: on };
    },

    async listTags({ repository, ...page }) {
      const found = await repositories.of(repository).tags(toPage(page));
      return pageOf(
        found.map((tag) => ({ ...tag, createdAt: instant(tag.createdAt) })),
        page,
        ({ name }) => name,
      );
    },
    async createTag({ repository, tag, ref }) {
      const made = await repositories.of(repository).createTag(tag, ref);
      return { ...made, createdAt: instant(made.createdAt) };
    },
    async deleteTag({ repository, tag }) {
      await repositories.of(repository).deleteTag(tag);
      return { tag };
    },

    async listObjects({ repository, ref, prefix, delimiter, limit, cursor }) {
      const { entries, prefixes, next } = await repositories.of(repository).list(ref, {
        limit: limit!,
        ...(prefix !== undefined && { prefix }),
        ...(delimiter !== undefined && { delimiter }),
        ...(cursor !== undefined && { after: cursor }),
      });
      const items: OutputOf<"listObjects">["items"][number][] = [
        ...entries.map(({ path, entry }) => ({ path, entry: entryOnWire(entry) })),
        ...prefixes.map((path) => ({ path, entry: null })),
      ];
      return { items: items.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))), next };
    },
    async removeObjects({ repository, branch, paths = [], prefix }, { actor }) {
      const one = repositories.of(repository);
      let removed = 0;
      const remove = async (found: readonly string[]) => {
        if (found.length === 0) return;
        await one.stage(
          branch,
          found.map((path) => ({ path, entry: null })),
          [],
          actor,
        );
        removed += found.length;
      };
      await remove(paths);
      if (prefix !== undefined) for await (const batch of one.scan(branch, prefix)) await remove(batch.map(({ path }) => path));
      return { removed };
    },
  };
}

const infoOnWire = ({ createdAt, ...info }: RepositoryInfo) => ({ ...info, createdAt: instant(createdAt) });
