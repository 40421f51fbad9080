/** Files on their way, on standard error: one line drawn over and over on a terminal, a plain line now and then elsewhere. */
import { formatBytes, formatSpan } from "../../base/index.ts";
import type { Effects } from "../app.ts";

export interface TransferProgress {
  /** How many files there are, once it is known. */
  expect(files: number): void;
  /** So many more files are done, and so many more bytes were moved. */
  files(count: number, bytes: number): void;
  /** A line above the one that is drawn. */
  say(text: string): void;
  close(): void;
}

const DRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;
const BAR = 24;

export function createTransferProgress({ stderr, isTTY, columns }: Effects, quiet: boolean, unit = "files"): TransferProgress {
  const startedMs = performance.now();
  let [files, bytes, total] = [0, 0, 0];
  let drawn = false;

  const text = () => {
    const elapsedMs = performance.now() - startedMs;
    const perSecond = (count: number) => (elapsedMs > 500 ? count / (elapsedMs / 1000) : 0);
    const rates = `${Math.round(perSecond(files)).toLocaleString("en")}/s  ${formatBytes(perSecond(bytes))}/s`;
    const known = total > 0 ? `/${total.toLocaleString("en")}` : "";
    return `${files.toLocaleString("en")}${known} ${unit}  ${formatBytes(bytes)}  ${rates}  ${formatSpan(elapsedMs)}`;
  };
  const bar = () => {
    const share = Math.min(1, files / total);
    const full = Math.round(share * BAR);
    return `${"█".repeat(full)}${"░".repeat(BAR - full)} ${String(Math.floor(share * 100)).padStart(3)} %  `;
  };
  const erase = () => (drawn ? "\u001b[1A\u001b[J" : "");
  const draw = () => {
    const line = [...`${total > 0 ? bar() : ""}${text()}`].slice(0, columns - 1).join("");
    stderr(`${erase()}${line}\n`);
    drawn = true;
  };
  const timer = quiet
    ? undefined
    : setInterval(isTTY ? draw : () => stderr(`${text()}\n`), isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS).unref();

  return {
    expect(count) {
      total = count;
    },
    files(count, moved) {
      files += count;
      bytes += moved;
    },
    say(line) {
      stderr(`${erase()}${line}\n`);
      drawn = false;
    },
    close() {
      clearInterval(timer);
      if (drawn) stderr(erase());
      drawn = false;
    },
  };
}
