/** Who makes an ONNX graph of a framework's models. Pinned: what they write is part of what a model is. */
import type { Lock } from "../../ports/python/index.ts";

const SCIKIT_LEARN = ["skl2onnx==1.20.0", "onnx==1.23.2"];
const BOOSTERS = ["onnxmltools==1.16.0", "packaging==26.3", ...SCIKIT_LEARN];

const CONVERTERS: Readonly<Record<string, readonly string[]>> = {
  "scikit-learn": SCIKIT_LEARN,
  xgboost: BOOSTERS,
  lightgbm: BOOSTERS,
  pytorch: ["onnxscript==0.7.2", "onnx==1.23.2"],
  keras: ["tf2onnx==1.17.0", "onnx==1.23.2"],
};

/**
 * The requirements of an environment that has the model's packages, exact, and the converters of its framework. Null: the model's own has them all, in
 * whatever version it names, or there is no converter.
 */
export function converterRequirements(framework: string, { packages }: Pick<Lock, "packages">): readonly string[] | null {
  const has = (name: string) => packages.some((each) => each.name === name);
  const boosters = framework === "scikit-learn" && (has("xgboost") || has("xgboost-cpu") || has("lightgbm"));
  const wanted = (boosters ? BOOSTERS : (CONVERTERS[framework] ?? [])).filter((each) => !has(each.split("==")[0]!));
  return wanted.length === 0 ? null : [...packages.map(({ name, version }) => `${name}==${version}`), ...wanted];
}
