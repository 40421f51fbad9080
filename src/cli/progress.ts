/**
 * Steps as they run, on standard error. On a terminal: a line with a bar for each running step, drawn over and over below the lines of those that ended.
 * Elsewhere: one plain line when a step starts and one when it ends.
 */
import { formatSpan } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { Effects, RebuildingLine } from "./app.ts";
import { forecastText } from "./forecast.ts";
import { cell } from "./table.ts";

/** Lines of whatever runs steps. */
export type StepLine = OutputOf<"run"> | OutputOf<"reproduce"> | RebuildingLine;

export interface Progress {
  show(line: StepLine): void;
  close(): void;
}

interface Running {
  readonly id: string;
  readonly startedMs: number;
  done: number;
  total: number;
  note: string;
}

const DRAW_EVERY_MS = 100;
const BAR = 24;

export const createProgress = (effects: Effects, now = () => performance.now()): Progress =>
  effects.isTTY ? onTerminal(effects, now) : inLines(effects);

function inLines({ stderr }: Effects): Progress {
  return {
    show(line) {
      const text = line.event === "step-started" ? `started    ${line.id} (${cell(line.why)})` : endText(line);
      if (text !== null) stderr(`${text}\n`);
    },
    close() {},
  };
}

function onTerminal({ stderr, columns }: Effects, now: () => number): Progress {
  const running = new Map<string, Running>();
  let drawn = 0;

  const erase = () => (drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`);
  const draw = (above = "") => {
    const lines = [...running.values()].map((step) => clip(barText(step, now()), columns));
    stderr(`${erase()}${above}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines.length;
  };
  const timer = setInterval(() => running.size > 0 && draw(), DRAW_EVERY_MS).unref();

  return {
    show(line) {
      if (line.event === "step-started") running.set(line.id, { id: line.id, startedMs: now(), done: 0, total: 0, note: "" });
      if (line.event === "step-progress")
        Object.assign(running.get(line.id) ?? {}, { done: line.done, total: line.total, note: line.note ?? "" });
      if (line.event === "step-finished" || line.event === "step-failed") running.delete(line.id);
      const text = endText(line);
      if (text !== null || line.event === "step-started") draw(text === null ? "" : `${clip(text, columns)}\n`);
    },
    close() {
      clearInterval(timer);
      running.clear();
      draw();
    },
  };
}

/** What is worth a line of its own; a step that was current is not. */
function endText(line: StepLine): string | null {
  if (line.event === "run-started") return line.on === undefined || line.on === "local" ? null : `on         ${line.on}`;
  if (line.event === "forecast") return forecastText(line.forecast);
  if (line.event === "step-failed") return `FAILED     ${line.id}: ${cell(line.error.message)}`;
  if (line.event === "published") return `published  ${cell(line.sentence)}`;
  if (line.event !== "step-finished") return null;
  if ("standing" in line)
    return `${STANDINGS[line.standing].padEnd(11)}${line.id} in ${formatSpan(line.wallMs)}${line.sentence ? `: ${cell(line.sentence)}` : ""}`;
  if ("same" in line)
    return line.same ? `same       ${line.id} in ${formatSpan(line.wallMs)}` : `OTHER      ${line.id}: ${cell(line.sentence)}`;
  if (line.state === "current") return null;
  if (line.state === "held") return `held       ${line.id} (${cell(line.sentence)})`;
  if (line.state === "refused") return `REFUSED    ${line.id}: ${cell(line.sentence)}`;
  return `done       ${line.id} in ${formatSpan(line.wallMs)}`;
}

/** How what a step left again stands to what it left. */
export const STANDINGS = { received: "received", given: "given", same: "same", within: "within", differs: "DIFFERS" } as const;

function barText({ id, startedMs, done, total, note }: Running, nowMs: number): string {
  const elapsedMs = nowMs - startedMs;
  if (total <= 0) return `           ${id}  ${formatSpan(elapsedMs)}`;
  const share = Math.min(1, done / total);
  const full = Math.round(share * BAR);
  const rate = elapsedMs > 500 && done > 0 ? `  ${rateText(done / (elapsedMs / 1000))}/s` : "";
  const bar = `${"█".repeat(full)}${"░".repeat(BAR - full)}`;
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${id}  ${countText(done)}/${countText(total)}${rate}  ${formatSpan(elapsedMs)}${note ? `  ${cell(note)}` : ""}`;
}

const countText = (value: number) => Math.round(value).toLocaleString("en");
const rateText = (value: number) => (value >= 100 ? countText(value) : value.toPrecision(2));

/** A line that wraps would be erased by half. */
const clip = (text: string, columns: number) =>
  [...text].length < columns ? text : `${[...text].slice(0, Math.max(0, columns - 2)).join("")}…`;
