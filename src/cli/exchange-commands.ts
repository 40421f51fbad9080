/** Coming from other platforms, and going there. */
import type { CommandInfo } from "./command.ts";

const TOKEN = {
  about: "Of a server: secret:NAME; default: what MLFLOW_TRACKING_TOKEN, or _USERNAME and _PASSWORD, say.",
  value: "TOKEN",
};

export const EXCHANGE_COMMANDS: Readonly<Record<string, CommandInfo>> = {
  "import mlflow": {
    about: "Take over what an MLflow keeps; again: only what is new or changed there, and nothing that was changed here.",
    example: "mill import mlflow http://mlflow:5000",
    operands: "ADDRESS|FOLDER|FILE",
    operandsMin: 1,
    operandsMax: 1,
    flags: {
      "dry-run": { about: "Only say what would be done." },
      artifacts: {
        about: "Of an SQLite file: where its server keeps artifacts; default: mlartifacts or mlruns beside it.",
        value: "FOLDER",
      },
      as: { about: "Remember what was taken under this name; default: the address or path.", value: "NAME" },
      token: TOKEN,
    },
    load: () => import("./mlflow/import.ts"),
  },
  "export mlflow": {
    about: "Write what is logged and registered here as MLflow keeps it; again: what changed since.",
    example: "mill export mlflow ./mlruns",
    operands: "ADDRESS|FOLDER",
    operandsMin: 1,
    operandsMax: 1,
    flags: { token: TOKEN },
    load: () => import("./mlflow/export.ts"),
  },
};
