import { byHash, dataset, endpoint, features, files, gradientBoosting, model, problem } from "millwright";

export const species = problem("penguin-species", {
  question: "A penguin was measured: which species is it?",
  task: "multiclass-classification",
  process: "Field survey",
  owner: "survey@example.org",
  decision: "Enter the species, or look at the bird again",
  principles: [{ statement: "No species is systematically overlooked", proof: (m) => m.macroRecall.atLeast(0.9) }],
  risks: [
    {
      what: "A species that the survey has not met is entered as one of the three",
      likelihood: "low",
      impact: "high",
      owner: "survey@example.org",
      mitigation: "Look at the bird again when no species is likely",
      measure: "calibrationError",
    },
  ],
});

export const penguins = dataset("penguins", {
  about: "Penguins of the Palmer Archipelago, Antarctica, measured 2007 to 2009",
  license: "CC0-1.0",
  from: files("penguins.csv"),
  columns: {
    species: { type: "category", source: "Species" },
    island: { type: "category", source: "Island" },
    beakLength: { type: "float64?", source: "Beak Length (mm)", unit: "mm" },
    beakDepth: { type: "float64?", source: "Beak Depth (mm)", unit: "mm" },
    flipperLength: { type: "int32?", source: "Flipper Length (mm)", unit: "mm" },
    bodyMass: { type: "int32?", source: "Body Mass (g)", unit: "g" },
    sex: { type: "category?", source: "Sex" },
  },
  split: byHash({ test: 0.2, holdout: 0.2 }),
  checks: (c) => [c.sex.in(["MALE", "FEMALE"]).holdsFor(0.99), c.beakLength.gt(0), c.bodyMass.between(1000, 10_000)],
});

export const measurements = features("measurements", penguins, (f) => ({
  island: f.island,
  beakLength: f.beakLength,
  beakDepth: f.beakDepth,
  flipperLength: f.flipperLength,
  bodyMass: f.bodyMass,
  beakShape: f.beakLength.dividedBy(f.beakDepth),
  sex: f.sex,
}));

export const classifier = model("penguin-species", {
  solves: species,
  from: measurements,
  label: (f) => f.species,
  train: gradientBoosting({ trees: 50, leaves: 8, minRowsPerLeaf: 5 }),
  slices: (f) => ({ island: f.island, measured: f.bodyMass.isNull().not() }),
  accept: (m) => [m.macroF1.atLeast(0.9), m.accuracy.atLeast(0.9)],
});

export const survey = endpoint("penguin-species", { serves: classifier });
