import { didYouMean, MillError } from "../base/index.ts";
import type { Estimator, ParamCheck, ParamSpec, Params } from "./estimator.ts";

/**
 * Checks parameters against the estimator's table and fills in the defaults, in the order of the table.
 * Error (returned, not thrown): `learn.bad-parameter`.
 */
export function checkParams(estimator: Estimator, params: Params): ParamCheck {
  const { name, params: specs } = estimator;
  const bad = (detail: { at: string; expected: string; got: string; fix: string }): ParamCheck => ({
    ok: false,
    error: new MillError("learn.bad-parameter", `${detail.at}: expected ${detail.expected}, got ${detail.got}.`, detail),
  });
  for (const given of Object.keys(params))
    if (!Object.hasOwn(specs, given))
      return bad({
        at: `${name}.${given}`,
        expected: `one of ${Object.keys(specs).join(", ")}`,
        got: `a parameter "${given}"`,
        fix: `Remove it.${didYouMean(given, Object.keys(specs))}`,
      });
  const complete: Record<string, number | string | boolean> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const value = params[key] ?? spec.default;
    if (!fits(value, spec))
      return bad({
        at: `${name}.${key}`,
        expected: expectation(spec),
        got: JSON.stringify(value) ?? String(value),
        fix: `${key}: ${spec.about}; the default is ${spec.default}.`,
      });
    complete[key] = value;
  }
  return { ok: true, params: complete };
}

/** The complete parameters; throws `learn.bad-parameter`. */
export function completeParams(estimator: Estimator, params: Params): Params {
  const check = checkParams(estimator, params);
  if (!check.ok) throw check.error;
  return check.params;
}

function fits(value: unknown, spec: ParamSpec): boolean {
  if (spec.type === "boolean") return typeof value === "boolean";
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (spec.type === "integer" && !Number.isInteger(value)) return false;
  const { min = -Infinity, max = Infinity, openMin = false } = spec;
  return value <= max && (openMin ? value > min : value >= min);
}

function expectation({ type, min, max, openMin }: ParamSpec): string {
  const kind = { boolean: "true or false", integer: "an integer", number: "a number" }[type];
  const low = min === undefined ? [] : [openMin ? `above ${min}` : `at least ${min}`];
  const high = max === undefined ? [] : [`at most ${max}`];
  return [kind, [...low, ...high].join(" and ")].filter((part) => part !== "").join(" ");
}
