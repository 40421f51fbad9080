/** What a model card says of a model that a Python script trained: how it answers, how near that is to its framework, and what it is made with. */
import type { Json } from "../base/index.ts";
import type { Lock } from "../ports/python/index.ts";
import type { PythonStory } from "./bundle.ts";

export interface CardPython {
  readonly lock: Lock;
  /** Facts of the step that converted the model. */
  readonly conversion: Readonly<Record<string, Json>>;
}

/** The sentences, and a row for each package: its name, version and licence. */
export function pythonText(
  { script, framework, form, why, license }: PythonStory,
  { lock, conversion: { rows, largest } }: CardPython,
): { readonly text: string; readonly packages: readonly (readonly string[])[] } {
  const held = `On ${rows} rows, held against what ${framework} itself says, the largest difference is ${Number(largest).toExponential(1)}.`;
  const answers = {
    inline: `Its model was read into one of Millwright's own, which answers. ${held}`,
    onnx: `Its model answers as an ONNX graph. ${held}`,
    python: `Its model answers in Python, in a process of its own, because it cannot become an ONNX graph: ${why}`,
  };
  return {
    text: `The script \`${script}\` trained it with ${framework}, in Python ${lock.python} on ${lock.platform}. Licence of the model: ${license ?? "not stated"}. ${answers[form]}`,
    packages: lock.packages.map(({ name, version, license }) => [name, version, license ?? "not stated"]),
  };
}
