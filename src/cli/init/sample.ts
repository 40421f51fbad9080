import { createRandom } from "../../base/index.ts";

/** For who has no file at hand: 400 parcels, and whether each came late. Made up, the same every time, with a few values missing. */
export function sampleParcels(): { readonly fileName: string; readonly text: string } {
  const random = createRandom(2);
  const lines = Array.from({ length: 400 }, () => {
    const weight = Math.round(10 ** (random.next() * 1.5) * 10) / 10;
    const distance = 5 + random.below(900);
    const express = random.next() < 0.3;
    const carrier = CARRIERS[random.below(CARRIERS.length)]!;
    const late = random.normal() * 0.7 + distance / 400 + weight / 20 + (carrier === "Otter" ? 1 : 0) - (express ? 1.5 : 0) > 1.6;
    return [random.next() < 0.05 ? "" : weight, distance, carrier, express ? "yes" : "no", late ? "yes" : "no"].join(",");
  });
  return { fileName: "parcels.csv", text: `weight (kg),distance (km),carrier,express,late\n${lines.join("\n")}\n` };
}

const CARRIERS = ["Heron", "Otter", "Swift"];
