/** What the pages' addresses say, and how they are written. */

/** Of a query string: the first value where a field stands there more often. */
export type Asked = Readonly<Record<string, string | readonly string[] | undefined>>;

export const one = (asked: Asked, field: string): string | undefined => all(asked, field)[0];

export function all(asked: Asked, field: string): readonly string[] {
  const value = asked[field];
  return value === undefined ? [] : [value].flat().filter((text) => text !== "");
}

/** A path with its query; what is undefined is left out. */
export function address(path: string, query: Readonly<Record<string, string | readonly string[] | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [field, value] of Object.entries(query)) for (const text of [value ?? []].flat()) search.append(field, text);
  return search.size === 0 ? path : `${path}?${search}`;
}

export const experimentPath = (experiment: string): string => `/experiments/${encodeURIComponent(experiment)}`;
export const runPath = (experiment: string, run: string): string =>
  `${experimentPath(experiment)}/runs/${encodeURIComponent(run)}`;

/** A parameter or metric as filters and orders name it. */
export const fieldOf = (kind: "params" | "metrics", key: string): string =>
  `${kind}.${/^[a-z_][\w.:/-]*$/i.test(key) ? key : key.includes("`") ? `"${key.replaceAll('"', '""')}"` : `\`${key}\``}`;
