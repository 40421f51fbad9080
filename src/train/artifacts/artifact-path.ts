import { MillError } from "../../base/index.ts";

const BYTES_MAX = 1024;
/** A name that was encoded more often than this is meant to hide something. */
const DECODED_MAX = 10;

/**
 * Where an artifact lies below the root of all: names with "/" between. A path that leads out of its folder is refused, also one that would do so after being
 * decoded any number of times. `""` is the root itself. Errors: `artifact.path`.
 */
export function artifactPath(given: string): string {
  const path = given.replace(/\/+$/, "");
  let read = path;
  for (let times = 0; times <= DECODED_MAX; times++) {
    if (leadsAstray(read)) throw refused(given);
    const decoded = decodedOf(read);
    if (decoded === read) {
      if (Buffer.byteLength(path) > BYTES_MAX) throw refused(given);
      return path;
    }
    read = decoded;
  }
  throw refused(given);
}

/** Besides what climbs: what some file system, or the client that downloads, takes for something else than a name. */
const leadsAstray = (path: string): boolean =>
  path !== "" &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  (/[\u0000-\u001f\u007f\\#]|^[A-Za-z]:|^file:/.test(path) ||
    !path.isWellFormed() ||
    path.split("/").some((name) => name === "" || name === "." || name === ".."));

/** What cannot be decoded is a name with a percent sign. */
function decodedOf(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const refused = (given: string) =>
  new MillError("artifact.path", "Invalid path", {
    expected: `names with / between, at most ${BYTES_MAX} bytes, without "..", backslashes, "#" and control characters, in every decoding`,
    got: JSON.stringify(given.slice(0, 200)),
    fix: "Give the path of the artifact below its run.",
  });
