import { type Command, textFlag } from "./command.ts";

export const command: Command = async ({ flags, output, withVerbs }) => {
  const asked = { olderThan: textFlag(flags, "older-than"), remove: flags.remove === true };
  const told = await withVerbs((call) => call("purgeTracking", asked));
  const { removed, before, experiments, runs, models, kept, files, bytes, elsewhere } = told;
  const count = (number: number) => number.toLocaleString("en");
  output.result(told, () =>
    [
      `${removed ? "gone for good" : "would go"}, deleted before ${before.slice(0, 16).replace("T", " ")}: ${count(experiments)} experiments, ${count(runs)} runs, ${count(models)} logged models; ${count(files)} files, ${count(bytes)} bytes`,
      ...(kept > 0 ? [`${count(kept)} stay: registered versions name them`] : []),
      ...(elsewhere > 0 ? [`${count(elsewhere)} have their files elsewhere, where they stay`] : []),
      removed ? "mill lake collect --remove frees the bytes" : "mill tracking purge --remove takes them away",
      "",
    ].join("\n"),
  );
  return undefined;
};
