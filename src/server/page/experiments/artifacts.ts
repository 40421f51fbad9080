/** What lies in a folder of a run's artifacts, with links to the files. */
import { asMillError } from "../../../base/index.ts";
import { codeInfo, type OutputOf } from "../../../contract/index.ts";
import type { BoundCall } from "../../../guard/index.ts";
import { html, type Markup } from "../html.ts";
import { count, table } from "../table.ts";
import { address, runPath } from "./address.ts";
import type { Run } from "./columns.ts";

const FILES_MAX = 200;

export async function renderArtifacts(call: BoundCall, run: Run, folder: string): Promise<Markup> {
  const root = /^mlflow-artifacts:\/*(?=[^/])(.+)$/.exec(run.artifactUri)?.[1];
  if (root === undefined) return html`<h3>Artifacts</h3><p>They are kept elsewhere: ${run.artifactUri}</p>`;
  const found = await entriesOf(call, folder === "" ? root : `${root}/${folder}`);
  if (found.items.length === 0) return folder === "" ? html`` : html`<h3>Artifacts</h3><p>There is nothing in ${folder}.</p>`;
  const path = runPath(run.experimentId, run.id);
  const inside = (name: string) => (folder === "" ? name : `${folder}/${name}`);
  return html`<h3 id="artifacts">Artifacts <small>${folder !== "" && html`in ${folder}, <a href="${address(path, { folder: parentOf(folder) })}#artifacts">up</a>`}</small></h3>
${table(
  ["", "bytes"],
  found.items.map(({ name, sizeBytes }) =>
    sizeBytes === null
      ? [html`<a href="${address(path, { folder: inside(name) })}#artifacts">${name}/</a>`, ""]
      : [html`<a href="${address("/get-artifact", { run_id: run.id, path: inside(name) })}">${name}</a>`, count(sizeBytes)],
  ),
)}${found.next !== null && html`<p class="quiet">These are the first ${String(FILES_MAX)}.</p>`}`;
}

const parentOf = (folder: string) => folder.split("/").slice(0, -1).join("/") || undefined;

/** A run that logged no file has no folder. */
async function entriesOf(call: BoundCall, folder: string): Promise<Pick<OutputOf<"listArtifacts">, "items" | "next">> {
  try {
    return await call("listArtifacts", { folder, limit: FILES_MAX });
  } catch (thrown) {
    if ([400, 404].includes(codeInfo(asMillError(thrown).code).status)) return { items: [], next: null };
    throw thrown;
  }
}
