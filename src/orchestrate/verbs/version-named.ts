import { MillError } from "../../base/index.ts";
import type { ModelVersion, Registry } from "../../registry/index.ts";

/** The version that `late-arrival@3` or `late-arrival@champion` names. Errors: `request.bad-version`, and those of the registry. */
export async function versionNamed(registry: Registry, text: string): Promise<ModelVersion> {
  const [model, version] = text.split("@");
  if (model && version) return registry.version(model, version);
  throw new MillError("request.bad-version", `"${text}" names no version.`, {
    expected: "NAME@VERSION or NAME@ALIAS, as in late-arrival@champion",
    got: text,
    fix: `Write ${model || "NAME"}@champion, or a number after the @.`,
  });
}
