/** The pages below `/experiments` over HTTP, on a real store. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTestRecords } from "../../../ports/records/fixtures/open-test-records.ts";
import { createTracking, trackingVerbs } from "../../../train/index.ts";
import { noChromium, openChromium } from "../../fixtures/open-chromium.ts";
import { startSample } from "../../fixtures/sample-platform.ts";
import { seePage } from "../../fixtures/see-page.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-experiments-"));
const records = await openTestRecords(join(folder, "mill.db"));
const tracking = createTracking({ records });
const sample = await startSample(trackingVerbs(tracking));
after(async () => {
  await sample.close();
  await tracking.close();
  await records.close();
  await rm(folder, { recursive: true });
});

const { id: churn } = await tracking.createExperiment({ name: "churn <i>", tags: { team: "a&b" } });
const start = 1_769_846_400_000;
const made = await Promise.all(
  Array.from({ length: 120 }, async (_, n) => {
    const run = await tracking.createRun({ experimentId: churn, name: `run ${n}`, startedAt: start + n });
    const metrics = [0, 1, 2, 3].map((step) => ({ key: "loss", value: n / (step + 1), timestamp: start, step }));
    const params = {
      depth: String(n % 3),
      seed: "7",
      ...(n === 5 && { constructor: "own", "note of it": "<script>alert(1)</script>" }),
    };
    await tracking.log(run.id, { metrics, params: Object.entries(params).map(([key, value]) => ({ key, value })) });
    return run.id;
  }),
);

const see = (path: string) => seePage(new URL(path, sample.url));

const listed = (markup: string) => [...markup.matchAll(/name="run" value="([0-9a-f]{32})"/g)].map(([, id]) => id!);
const nextOf = (markup: string) => /<a href="([^"]+)">More runs/.exec(markup)?.[1]?.replaceAll("&amp;", "&");

test("experiments are listed with their newest run, and found by a filter in the address", async () => {
  const { text, markup, headers } = await see("/experiments");
  assert.match(text, /churn &lt;i&gt; run 119 running 2026-01-31 08:00 team: a&amp;b/);
  assert.match(markup, new RegExp(`href="/experiments/${churn}/runs/${made.at(-1)}"`));
  assert.match(headers.get("content-security-policy")!, /default-src 'none'.*form-action 'self'/);
  assert.match((await see("/experiments?filter=name+%3D+'nothing'")).text, /There is none that fits/);
});

test("what tells runs apart is a column, and what is the same in all is said once", async () => {
  const { markup, text } = await see(`/experiments/${churn}`);
  assert.match(markup, /<a href="[^"]*order=params\.depth\+DESC[^"]*">depth<\/a>/);
  assert.match(markup, /<a href="[^"]*order=metrics\.loss\+DESC[^"]*">loss<\/a>/);
  assert.match(text, /The same in all of them: seed 7\./);
});

test("pages follow each other without a gap or a repetition while runs are begun", async () => {
  const seen: string[] = [];
  for (let path: string | undefined = `/experiments/${churn}?filter=metrics.loss+%3C+20&order=metrics.loss+ASC`; path; ) {
    const { markup } = await see(path);
    seen.push(...listed(markup));
    await tracking.createRun({ experimentId: churn, name: "meanwhile" });
    path = nextOf(markup);
  }
  assert.deepEqual(seen, made.slice(0, 80));
});

test("a filter that does not hold is told where it was typed", async () => {
  const { status, text, markup } = await see(`/experiments/${churn}?filter=metrics.loss+~+"3"`);
  assert.equal(status, 400);
  assert.match(text, /Expected: /);
  assert.match(markup, /name="filter" size="50" value="metrics\.loss ~ &quot;3&quot;"/);
  assert.equal((await see(`/experiments/${churn}?page=garbage`)).status, 400);
});

test("a run is shown with its curve, its parameters, what it is nested in, and as text whatever it says", async () => {
  const child = await tracking.createRun({ experimentId: churn, tags: { "mlflow.parentRunId": made[5]! } });
  const { markup, text } = await see(`/experiments/${churn}/runs/${made[5]}`);
  assert.match(markup, /<title>loss<\/title>.*<path class="s0" d="M0 [\d.]+L333\.3 [\d.]+L666\.7 [\d.]+L1000 [\d.]+"/s);
  assert.match(text, /note of it &lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.ok(!markup.includes("<script"));
  assert.match(markup, new RegExp(`href="/experiments/${churn}/runs/${child.id}">${child.name}</a>`));
  assert.match((await see(`/experiments/${churn}/runs/${child.id}`)).text, new RegExp(`nested in ${made[5]}`));
});

test("a run whose values are no numbers, too great to draw or of one moment is shown", async () => {
  const { id } = await tracking.createRun({ experimentId: "0", startedAt: Number.MAX_SAFE_INTEGER });
  const values = [Number.NaN, Number.POSITIVE_INFINITY, 1e308, -1e308, 0];
  const metrics = values.map((value, at) => ({ key: "wild", value, timestamp: start + at, step: 0 }));
  await tracking.log(id, {
    metrics: [
      ...metrics,
      { key: "void", value: Number.NaN, timestamp: 0, step: 0 },
      { key: "void", value: Number.NaN, timestamp: 1, step: 1 },
    ],
  });
  for (const path of [
    `/experiments/0/runs/${id}`,
    `/experiments/0/runs/${id}?scale=log`,
    "/experiments/0/compare",
    "/experiments/0",
  ]) {
    const { status, markup } = await see(path);
    assert.equal(status, 200, path);
    assert.doesNotMatch(markup, /(d|y1|y2|cx|cy|x|y)="[^"]*(NaN|Infinity)/, path);
  }
});

test("runs that are ticked stand side by side: what differs, their curves over each other, a metric against a parameter", async () => {
  const { markup, text } = await see(`/experiments/${churn}/compare?run=${made[4]}&run=${made[6]}`);
  assert.match(text, /2 runs.* depth 0 1 /);
  assert.doesNotMatch(text, /seed/);
  assert.match(markup, /<path class="s0" d="M[^"]+"\/><path class="s1" d="M/);
  assert.equal(markup.match(/<circle class="dot"/g)?.length, 2);
  assert.match(markup, /<option value="params\.depth" selected>/);
  const all = await see(`/experiments/${churn}/compare?filter=metrics.loss+%3E+0&x=metrics.loss&y=loss`);
  assert.match(all.text, /100 runs of churn.*the first 100 that fit/);
  assert.equal(all.markup.match(/<circle class="dot"/g)?.length, 100);
});

test("an experiment or run that is not there is a 404 in words, for programs as JSON", async () => {
  for (const path of ["/experiments/99", "/experiments/99/compare", `/experiments/${churn}/runs/${"0".repeat(32)}`]) {
    const { status, text } = await see(path);
    assert.deepEqual([status, /tracking\.unknown-/.test(text)], [404, true], path);
  }
  const plain = await fetch(new URL("/experiments/99", sample.url));
  assert.equal(plain.headers.get("content-type"), "application/problem+json; charset=utf-8");
});

test("a browser goes from the address that MLflow's client prints to the run, and by forms to a search and a comparison", {
  skip: noChromium,
  timeout: 60_000,
}, async () => {
  const { id, name } = await tracking.createRun({ experimentId: churn });
  const browser = await openChromium();
  try {
    await browser.go(`${sample.url}/#/experiments/${churn}/runs/${id}`);
    await browser.see(/Experiments the newest runs/);
    await browser.run("document.querySelector(':target').click()");
    await browser.see(new RegExp(`/runs/${id}\\n.*${name}`, "s"));
    await browser.go(`${sample.url}/experiments/${churn}`);
    await browser.see(/Compare those ticked/);
    await browser.run(
      `document.querySelector("[name=filter]").value = "metrics.loss < 1"; document.querySelector(".search button").click()`,
    );
    await browser.see(/filter=metrics\.loss\+%3C\+1.*run 3/s);
    await browser.run(
      `for (const box of document.querySelectorAll("[name=run]")) box.click(); document.querySelector("form:not(.search) button").click()`,
    );
    await browser.see(/compare\?run=.*4 runs of churn <i>/s);
  } finally {
    await browser.close();
  }
});
