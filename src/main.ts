/** The bin. Everything heavy is loaded by the command that needs it. */
const argv = process.argv.slice(2);
const at = argv.indexOf("step");
if (at >= 0) {
  const { runStepFolder } = await import("./app.ts");
  process.exitCode = await runStepFolder(argv[at + 1]!, argv[argv.indexOf("--workspace") + 1]!);
}
