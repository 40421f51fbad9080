/** The repositories of the lake: what each holds, and its newest commit. */
import type { OutputOf } from "../../contract/index.ts";
import { html, type Markup } from "./html.ts";
import { count, minuteText, table } from "./table.ts";

export interface ShownRepository {
  readonly repository: OutputOf<"getRepository">;
  /** Names of the branches, the first ones. */
  readonly branches: readonly string[];
  readonly newest: OutputOf<"listCommits">["items"][number];
}

export function renderLake(repositories: readonly ShownRepository[], more: boolean): Markup {
  const rows = repositories.map(({ repository: { name, objects, defaultBranch }, branches, newest }) => [
    html`<a href="/v1/repositories/${name}/refs/${defaultBranch}/commits">${name}</a>`,
    count(objects),
    branches.join(", "),
    minuteText(newest.createdAt),
    newest.author,
    newest.message,
  ]);
  return html`<section><h2>Lake <small>repositories, their newest commits; times are UTC</small></h2>
${table(["repository", "objects", "branches", "newest commit", "by", "message"], rows, undefined, "texts")}
${more && html`<p class="quiet"><a href="/v1/repositories">All repositories</a></p>`}</section>`;
}
