/**
 * Labels as SQL over the sealed log of feedback: `id`, `label` (JSON text), `place` (from 0, in the order of arrival; a wall clock that jumps, and
 * two labels in one millisecond, do not change it).
 */
export const labelsTold = (feedback: string, where = "true"): string =>
  `SELECT id, label::VARCHAR AS label, row_number() OVER () - 1 AS place FROM ${feedback} WHERE ${where}`;

/** Of each prediction (`id`) the label that counts, which is the one that came last, as `last`. `told`: a FROM item of `labelsTold`. */
export const lastLabels = (told: string, where = "true"): string =>
  `SELECT id, arg_max(label, place) AS last FROM ${told} WHERE ${where} GROUP BY id`;
