import {
  byTime,
  canary,
  dataset,
  drift,
  endpoint,
  every,
  features,
  files,
  gradientBoosting,
  logisticRegression,
  model,
  problem,
} from "millwright";

export const lateness = problem("late-arrival", {
  question: "A flight leaves the gate: will it arrive more than 15 minutes late?",
  task: "binary-classification",
  process: "Gate planning",
  owner: "ops@example.org",
  decision: "Hold the connecting gate or release it",
  currency: "EUR",
  gain: { truePositive: 40, falsePositive: -15 },
  constraints: { latencyP99Ms: 20, monthlyCost: 200 },
  principles: [{ statement: "A stated probability is kept", proof: (m) => m.calibrationError.atMost(0.03) }],
  risks: [
    {
      what: "Gates are held for flights that arrive on time, and planners stop trusting the answer",
      likelihood: "medium",
      impact: "medium",
      owner: "Gate planning",
      mitigation: "The threshold is chosen by gain, where a gate held for nothing costs 15 EUR",
      measure: "precision",
    },
    {
      what: "Schedules change with the season, and probabilities no longer fit",
      likelihood: "high",
      impact: "medium",
      owner: "ops@example.org",
      mitigation: "Retrain on drift and every week, on the newest 90 days",
      measure: "calibrationError",
    },
  ],
});

export const flights = dataset("flights", {
  about: "Flights within the United States, January to June 2001",
  license: "other-open, terms not explicitly specified (package vega-datasets)",
  from: files("package:vega-datasets/data/flights-3m.parquet"),
  where: (c) => c.date.before("2001-06-01"), // June is kept for the traffic
  columns: {
    date: { type: "timestamp", about: "actual departure" },
    distance: { type: "int32", unit: "mi" },
    origin: "string",
    destination: "string",
    delay: { type: "int32", unit: "min", about: "arrival delay" },
  },
  time: "date",
  outcomes: { delay: (r) => r.date.plusMinutes(r.distance.dividedBy(7.5).plus(40).orElse(240)) }, // known at landing, not before
  split: byTime({ test: 0.15, holdout: 0.15 }),
  checks: (c) => [c.delay.between(-120, 1440).holdsFor(0.999), c.origin.matches("^[A-Z]{3}$"), c.distance.gt(0)],
});

export const departures = features("departures", flights, (f) => ({
  hour: f.date.hour(),
  weekday: f.date.weekday(),
  distance: f.distance,
  origin: f.origin,
  destination: f.destination,
  recentDelay: f.delay.mean().by(f.origin).last("3h"), // landed flights only: `outcomes` says when
  recentLate: f.delay.gt(15).share().by(f.destination).last("1d").orElse(0),
}));

export const late = model("late-arrival", {
  solves: lateness,
  from: departures,
  label: (f) => f.delay.gt(15),
  threshold: "max-gain",
  train: gradientBoosting({ trees: 200 }),
  slices: (f) => ({ weekday: f.date.weekday(), longHaul: f.distance.gt(1500) }),
  accept: (m) => [m.auc.atLeast(0.65), m.auc.beatsChampion(), m.gain.atLeast(0)],
});

export const baseline = model("late-arrival-baseline", {
  solves: lateness,
  from: departures,
  label: (f) => f.delay.gt(15),
  threshold: "max-gain",
  train: logisticRegression(),
  slices: (f) => ({ weekday: f.date.weekday(), longHaul: f.distance.gt(1500) }),
  accept: (m) => [m.auc.atLeast(0.6)],
});

export const gate = endpoint("late-arrival", {
  serves: late,
  rollout: canary({ steps: [0.05, 0.25, 1], hold: "1h" }),
  retrain: { when: [drift({ psi: 0.2 }), every("1w")], window: "90d" },
});
