/** The pages below `/registry` over HTTP, on a real store. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startFiles } from "../../fixtures/files-platform.ts";
import { seePage } from "../../fixtures/see-page.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-registry-pages-"));
const sample = await startFiles(folder);
after(async () => {
  await sample.close();
  await rm(folder, { recursive: true });
});

const see = (path: string) => seePage(new URL(path, sample.url));

async function act(path: string, body: object) {
  const headers = { authorization: `Bearer ${sample.token}`, "content-type": "application/json" };
  const reply = await fetch(new URL(`/v1/registered-models${path}`, sample.url), {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  assert.equal(reply.status, 200, await reply.text());
}

test("a model shows its versions, the papers of one with what is absent, and what happened to it and why, also once it is deleted", async () => {
  await act("", { model: "churn <i>", description: "who leaves & when" });
  const at = `/${encodeURIComponent("churn <i>")}`;
  await act(`${at}/versions`, { source: "s3://b/1", license: "MIT" });
  await act(`${at}/versions`, { source: "s3://b/2" });
  await act(`${at}/aliases`, { alias: "best", version: 1, why: "<b>fewer</b> false alarms" });
  const listed = await see("/registry");
  assert.match(listed.text, /churn &lt;i&gt; people 2 best: 1/);
  assert.match(listed.headers.get("content-security-policy")!, /default-src 'none'/);
  const { text } = await see(`/registry${at}?version=1`);
  assert.match(text, /licence MIT inputs absent outputs absent .* dependencies absent code absent run absent source s3:\/\/b\/1/);
  assert.match(text, /alias\.set churn &lt;i&gt;@1 best &lt;b&gt;fewer&lt;\/b&gt; false alarms/);
  assert.match((await see(`/registry${at}`)).text, /Version 2 .*licence absent/, "the newest where none is named");
  await act(`${at}/delete`, { why: "a mistake" });
  assert.match((await see(`/registry${at}`)).text, /deleted What happened .*model\.deleted churn &lt;i&gt; a mistake/);
});

test("a model that never was, a version that is not there and a filter that cannot be are told", async () => {
  await act("", { model: "bare" });
  assert.equal((await see("/registry/none")).status, 404);
  assert.equal((await see("/registry/bare?version=7")).status, 404);
  const { status, text } = await see("/registry?filter=owner+%3D+1");
  assert.equal(status, 400);
  assert.match(text, /cannot be read at character 1/);
  assert.match((await see("/registry/bare")).text, /None yet/);
});
