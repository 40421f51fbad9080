/** How strict licences are with those who pass on what they cover, by SPDX expression or by what packages say of themselves. */

/** Of Millwright, and so of its own trainers; `package.json` says the same. */
export const OWN_LICENSE = "Apache-2.0";

export interface Licensed {
  readonly name: string;
  /** null: it does not say, and so grants nothing. */
  readonly license: string | null;
}

/** Later ones are stricter; the first that fits decides, so that what contains another's name comes before it. */
const GRADES: readonly (readonly [grade: number, words: RegExp])[] = [
  [4, /AGPL|Affero/i],
  [2, /LGPL|Lesser|Library General/i],
  [3, /GPL|General Public|CeCILL|EUPL/i],
  [2, /MPL|Mozilla|EPL|Eclipse Public|CDDL/i],
  [5, /proprietary|commercial|NVIDIA|all rights/i],
  [1, /MIT|BSD|Apache|ISC|PSF|Python|zlib|Unlicense|CC0|0BSD|HPND|NCSA|BSL|Boost|public domain|OFL/i],
];
const NOT_KNOWN = 6;

const gradeOfName = (name: string): number => GRADES.find(([, words]) => words.test(name))?.[0] ?? NOT_KNOWN;

/** Of `A OR B` one may take the milder; of `A AND B`, and of a list, one must keep all. */
export function gradeOf(license: string | null): number {
  if (license === null || license.trim() === "") return NOT_KNOWN;
  const choices = license.split(/\bOR\b|\s\/\s/);
  return Math.min(...choices.map((choice) => Math.max(...choice.split(/\bAND\b|[;,]/).map(gradeOfName))));
}

/** The one with the strictest licence, of equals the first; null: there is none. */
export function strictestOf<L extends Licensed>(all: readonly L[]): L | null {
  return all.reduce<L | null>(
    (strictest, one) => (strictest === null || gradeOf(one.license) > gradeOf(strictest.license) ? one : strictest),
    null,
  );
}
