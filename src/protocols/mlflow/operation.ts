import type { BoundCall } from "../../guard/index.ts";
import type { ForeignRoute } from "../route.ts";
import type { Fields } from "./fields.ts";

/** One call of MLflow's API: its fields become one verb's input, and the verb's output a JSON object. */
export interface Operation {
  readonly method: ForeignRoute["method"];
  /** Below `/api/2.0/mlflow` and `/ajax-api/2.0/mlflow`, as in `runs/create`; a parameter of the path is a field as well. */
  readonly path: string;
  readonly plane: ForeignRoute["plane"];
  /** Only below `/ajax-api`. */
  readonly ajaxOnly?: true;
  /** Fields of a GET that are lists also where they are named once. */
  readonly lists?: readonly string[];
  answer(asked: Fields, call: BoundCall): Promise<object>;
}
