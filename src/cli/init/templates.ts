/** Projects that train in Python, ready to run: a few lines of definitions, a script that a data scientist would write, and small real data. */
import { didYouMean, MillError } from "../../base/index.ts";

export interface Template {
  readonly about: string;
  readonly definitions: string;
  /** Files of `templates/` by their paths in the project. */
  readonly files: Readonly<Record<string, string>>;
  /** A row to ask the endpoint for. */
  readonly example: Readonly<Record<string, number>>;
}

/** Errors: `cli.template-unknown`. */
export function templateNamed(name: string): Template {
  const found = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(TEMPLATES);
  throw new MillError("cli.template-unknown", `There is no template "${name}".${didYouMean(name, names)}`, {
    at: "--template",
    expected: names.join(", "),
    got: name,
    fix: "Name one of these templates.",
  });
}

/** Of each definition. */
export const TEMPLATE_NAME = "penguin-species";

interface Training {
  readonly requirements: readonly string[];
  readonly params: string;
}

function penguins({ requirements, params }: Training, more = ""): string {
  return `import { byHash, dataset, endpoint, features, files, model, problem, python } from "millwright";

export const species = problem("${TEMPLATE_NAME}", {
  question: "A penguin was measured: which species is it?",
  task: "multiclass-classification",
  owner: "you@example.org", // who answers for it
});

export const penguins = dataset("penguins", {
  about: "Penguins of the Palmer Archipelago, Antarctica, measured 2007 to 2009 (Horst, Hill and Gorman)",
  license: "CC0-1.0",
  from: files("data/penguins.csv"),
  columns: {
    species: { type: "category", source: "Species" },
    beakLength: { type: "float64?", source: "Beak Length (mm)", unit: "mm" },
    beakDepth: { type: "float64?", source: "Beak Depth (mm)", unit: "mm" },
    flipperLength: { type: "int32?", source: "Flipper Length (mm)", unit: "mm" },
    bodyMass: { type: "int32?", source: "Body Mass (g)", unit: "g" },
  },
  split: byHash({ test: 0.2, holdout: 0.2 }),
});

export const measurements = features("measurements", penguins, (f) => ({
  beakLength: f.beakLength,
  beakDepth: f.beakDepth,
  flipperLength: f.flipperLength,
  bodyMass: f.bodyMass,
}));

export const classifier = model("${TEMPLATE_NAME}", {
  solves: species,
  from: measurements,
  label: (f) => f.species,
  train: python({
    script: "train.py",
    requirements: ${listOf(requirements)},
    params: ${params},
  }),
  accept: (m) => [m.macroF1.atLeast(0.9), m.macroF1.beatsChampion()],
});

export const survey = endpoint("${TEMPLATE_NAME}", { serves: classifier });
${more}`;
}

const listOf = (requirements: readonly string[]) => JSON.stringify(requirements).replaceAll(",", ", ");

/** The converters of PyTorch are named with it: so one environment does for training and converting, and its five gigabytes lie there once. */
const TORCH = ["torch==2.15.0", "onnxscript==0.7.2", "onnx==1.23.2"];

/** A line for each row of the image. */
const pixels = (entry: (name: string) => string) =>
  Array.from(
    { length: 8 },
    (_, row) => `    ${Array.from({ length: 8 }, (_, at) => `${entry(`p${row * 8 + at}`)},`).join(" ")}`,
  ).join("\n");

const DIGITS = `
export const digit = problem("digit", {
  question: "A digit was written by hand: which one is it?",
  task: "multiclass-classification",
  owner: "you@example.org",
});

export const digits = dataset("digits", {
  about: "Optical Recognition of Handwritten Digits, 8 x 8 pixels (Alpaydin and Kaynak; UCI Machine Learning Repository)",
  license: "CC-BY-4.0",
  from: files("data/digits.parquet"),
  columns: {
${pixels((name) => `${name}: "float64"`)}
    digit: "category",
  },
  split: byHash({ test: 0.2, holdout: 0.2 }),
});

export const reader = model("digit", {
  solves: digit,
  from: features("pixels", digits, (f) => ({
${pixels((name) => `${name}: f.${name}`)}
  })),
  label: (f) => f.digit,
  train: python({
    script: "digits.py",
    requirements: ${listOf(TORCH)},
    params: { epochs: 12 },
  }),
  accept: (m) => [m.accuracy.atLeast(0.95)],
});

export const scanner = endpoint("digit", { serves: reader });
`;

const PENGUIN = { beakLength: 50.2, beakDepth: 18.7, flipperLength: 198, bodyMass: 3775 };
const DATA = { "data/penguins.csv": "penguins.csv" };

const ofPenguins = (about: string, script: string, training: Training): Template => ({
  about,
  definitions: penguins(training),
  files: { ...DATA, "train.py": script },
  example: PENGUIN,
});

export const TEMPLATES: Readonly<Record<string, Template>> = {
  sklearn: ofPenguins("a random forest of scikit-learn", "sklearn.py", {
    requirements: ["scikit-learn==1.9.1"],
    params: "{ trees: 100 }",
  }),
  pytorch: {
    about: "a network of PyTorch, and a convolutional one that reads digits",
    definitions: penguins({ requirements: TORCH, params: "{ epochs: 60 }" }, DIGITS),
    files: { ...DATA, "train.py": "pytorch.py", "data/digits.parquet": "digits.parquet", "digits.py": "pytorch_digits.py" },
    example: PENGUIN,
  },
  keras: ofPenguins("a network of Keras on TensorFlow", "keras.py", {
    requirements: ["tensorflow-cpu==2.21.0"],
    params: "{ epochs: 40 }",
  }),
  xgboost: ofPenguins("gradient boosting of XGBoost", "xgboost.py", {
    requirements: ["xgboost-cpu==3.2.0", "scikit-learn==1.9.1"],
    params: "{ trees: 60 }",
  }),
  lightgbm: ofPenguins("gradient boosting of LightGBM", "lightgbm.py", {
    requirements: ["lightgbm==4.7.0", "scikit-learn==1.9.1"],
    params: "{ trees: 60 }",
  }),
};
