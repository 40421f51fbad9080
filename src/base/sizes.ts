const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** In powers of 1,000: `812 B`, `1.2 KB`, `340 MB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(2)} ${UNITS[unit]}`;
}
