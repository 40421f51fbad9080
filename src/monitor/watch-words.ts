import { formatMoment } from "../base/index.ts";

export const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
export const momentOf = (micros: number | null) => (micros === null ? null : formatMoment(micros));
