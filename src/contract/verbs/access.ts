import { object, text } from "../json-schema.ts";
import { administers } from "./verb.ts";

export const newToken = administers({
  about: "Replace the admin token; the old one stops working at once.",
  example: "mill token --new",
  input: object({}),
  output: object({ token: text(), path: text({ description: "File that holds it" }) }),
  http: { method: "POST", path: "/v1/token" },
});
