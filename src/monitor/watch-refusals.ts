/** Rows that could not be read, by what was wrong with them: a source that changed its form is refused, and its rows are missing everywhere. */
import type { MillError } from "../base/index.ts";
import { codeInfo } from "../contract/index.ts";
import type { Door } from "../serve/index.ts";
import type { Finding } from "./finding.ts";
import { createPageTest, oddsOf, type PageTest } from "./watch-sequential.ts";
import { momentOf, percent } from "./words.ts";

export interface RefusalWatch {
  refused(door: Door, error: MillError, columns: readonly string[], asOf: number | null): void;
  /** Rows that went through a door. */
  accepted(door: Door, rows: number, asOf: number | null): void;
  findings(): Finding[];
}

const TOLERATED = oddsOf(0.001);
/** Different faults that are told apart; the rest is counted together. */
const FAULTS_MAX = 50;

interface Fault {
  readonly what: string;
  readonly columns: readonly string[];
  readonly doors: Map<Door, PageTest>;
  /** In words, without a value that somebody sent: a notice carries it outside. */
  readonly why: string;
}

export function createRefusalWatch(): RefusalWatch {
  const faults = new Map<string, Fault>();

  const faultOf = (door: Door, error: MillError, columns: readonly string[]): Fault => {
    const found = describe(door, error, columns);
    const kept = faults.has(found.what) || faults.size < FAULTS_MAX ? found : OTHER;
    const fault = faults.get(kept.what) ?? { ...kept, doors: new Map() };
    faults.set(kept.what, fault);
    return fault;
  };

  return {
    refused(door, error, columns, asOf) {
      if (codeInfo(error.code).status >= 500) return; // a fault of ours says nothing of the feed
      const fault = faultOf(door, error, columns);
      const test = fault.doors.get(door) ?? createPageTest();
      fault.doors.set(door, test);
      test.add(TOLERATED, 1, 1, asOf);
    },
    accepted(door, rows, asOf) {
      for (const { doors } of faults.values()) doors.get(door)?.add(TOLERATED, rows, 0, asOf);
    },
    findings: () =>
      [...faults.values()].flatMap(({ what, columns, doors, why }): Finding[] => {
        const found = [...doors].flatMap(([door, test]) => (test.found ? [{ door, ...test.found }] : []));
        const [first] = found.sort((a, b) => b.bad - a.bad);
        if (first === undefined) return [];
        return [
          {
            cause: `feed/refused/${what}`,
            kind: "feed",
            columns,
            severity: first.bad / first.trials,
            sentence: `${found.map(({ door, bad, trials }) => `${bad} of ${trials} ${ROWS[door]}`).join(" and ")} were refused, where ${percent(TOLERATED.expected)} may be: ${why}`,
            detail: {
              since: momentOf(first.since),
              doors: Object.fromEntries(found.map(({ door, bad, trials }) => [door, { bad, trials }])),
            },
          },
        ];
      }),
  };
}

const ROWS: Readonly<Record<Door, string>> = { predict: "requests", events: "events", feedback: "labels" };

type Named = Pick<Fault, "what" | "columns" | "why">;

const OTHER: Named = { what: "other", columns: [], why: "for many reasons" };
const UNKNOWN_FIELD: Named = { what: "unknown field", columns: [], why: "they have a field that the endpoint does not take" };

/** The field that the error names, else the check that the row does not pass, else the error's code. */
function describe(door: Door, { code, at = "", expected = "" }: MillError, columns: readonly string[]): Named {
  if (door === "feedback") return { what: "labels", columns: ["label"], why: `expected ${short(expected)}` };
  const field = /^\/[a-z]+\/\d+\/(.+)$/.exec(at)?.[1];
  if (field !== undefined) {
    const known = columns.includes(field) || (columns.length === 0 && /^[\w -]{1,60}$/.test(field));
    return known ? { what: field, columns: [field], why: `in ${field}, expected ${short(expected)}` } : UNKNOWN_FIELD;
  }
  if (code !== "request.row" || expected === "") return { what: code, columns: [], why: code };
  const named = columns.filter((column) => expected.split(/[^\w-]+/).includes(column));
  return { what: short(expected), columns: named, why: `expected ${short(expected)}` };
}

const short = (text: string) => text.slice(0, 80);
