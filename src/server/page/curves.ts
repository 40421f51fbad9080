/** Small charts of an assessment: share against share, with the diagonal that means nothing learnt, or a kept promise. */
import type { OutputOf } from "../../contract/index.ts";
import { html, type Markup } from "./html.ts";

type Part = OutputOf<"getModelVersion">["report"]["holdout"];
type Point = readonly [x: number, y: number];

const SIZE = 180;
const AXIS = { left: 34, bottom: 30, top: 6, right: 8 };

export function drawRoc({ roc, measures }: Part): Markup {
  const points = roc.map(({ falsePositiveRate, truePositiveRate }): Point => [falsePositiveRate, truePositiveRate]);
  const auc = measures.auc === null || measures.auc === undefined ? "" : `, AUC ${measures.auc.toFixed(3)}`;
  return chart(`ROC curve${auc}`, "false positive rate", "true positive rate", line(points));
}

export function drawCalibration({ calibration, measures }: Part): Markup {
  const points = calibration.map(({ stated, observed }): Point => [stated, observed]);
  const error =
    measures.calibrationError === null || measures.calibrationError === undefined
      ? ""
      : `, calibration error ${measures.calibrationError.toFixed(3)}`;
  return chart(`Reliability${error}`, "stated probability", "observed share", html`${line(points)}${points.map(dot)}`);
}

function chart(title: string, xLabel: string, yLabel: string, content: Markup): Markup {
  const [width, height] = [AXIS.left + SIZE + AXIS.right, AXIS.top + SIZE + AXIS.bottom];
  const middle = AXIS.left + SIZE / 2;
  return html`<figure><svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<rect class="frame" x="${AXIS.left}" y="${AXIS.top}" width="${SIZE}" height="${SIZE}"/><path class="diagonal" d="${path([
    [0, 0],
    [1, 1],
  ])}"/>
${content}
<text class="tick" x="${AXIS.left}" y="${height - 17}">0</text><text class="tick end" x="${AXIS.left + SIZE}" y="${height - 17}">1</text>
<text class="tick end" x="${AXIS.left - 5}" y="${AXIS.top + 9}">1</text><text class="tick end" x="${AXIS.left - 5}" y="${AXIS.top + SIZE}">0</text>
<text class="tick middle" x="${middle}" y="${height - 4}">${xLabel}</text>
<text class="tick middle" x="0" y="0" transform="translate(11 ${AXIS.top + SIZE / 2}) rotate(-90)">${yLabel}</text></svg><figcaption>${title}</figcaption></figure>`;
}

const line = (points: readonly Point[]): Markup => (points.length > 1 ? html`<path class="curve" d="${path(points)}"/>` : html``);
const dot = ([x, y]: Point): Markup => html`<circle class="dot" cx="${px(x)}" cy="${py(y)}" r="2.5"/>`;
const path = (points: readonly Point[]) => `M${points.map(([x, y]) => `${px(x)} ${py(y)}`).join("L")}`;
const px = (x: number) => round(AXIS.left + x * SIZE);
const py = (y: number) => round(AXIS.top + (1 - y) * SIZE);
const round = (value: number) => Math.round(value * 10) / 10;
