import { extname } from "node:path/posix";

/** The type of a file by its name; the client has no say in it, so that nothing it stored is run where it is shown. */
export const mimeType = (path: string): string => {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return (
    TYPES[extname(name).slice(1).toLowerCase()] ?? (PLAIN.has(name) ? "text/plain; charset=utf-8" : "application/octet-stream")
  );
};

const PLAIN: ReadonlySet<string> = new Set(["MLmodel", "MLproject", "Dockerfile", "README", "LICENSE"]);

const TEXTS = "txt log err out cfg conf ini toml yaml yml json5 md rst py js ts r sql sh java c h cpp tex";

const TYPES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(TEXTS.split(" ").map((extension) => [extension, "text/plain; charset=utf-8"])),
  json: "application/json",
  csv: "text/csv; charset=utf-8",
  tsv: "text/tab-separated-values; charset=utf-8",
  html: "text/html; charset=utf-8",
  xml: "application/xml",
  pdf: "application/pdf",
  zip: "application/zip",
  gz: "application/gzip",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml",
  mp4: "video/mp4",
  wav: "audio/wav",
  parquet: "application/vnd.apache.parquet",
};
