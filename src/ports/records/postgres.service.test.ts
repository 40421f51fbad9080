import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { dropSchemas, testAddress } from "./fixtures/open-test-records.ts";
import { openPostgres } from "./index.ts";
import { recordsSuite } from "./suite.ts";

const server = process.env.MILL_TEST_POSTGRES ?? "";
const skip = server === "" && "needs a PostgreSQL server: MILL_TEST_POSTGRES=postgres://... (.ci/postgres start DIR)";
if (!skip) after(() => dropSchemas(server));

const newAddress = () => testAddress(server, randomUUID());

recordsSuite("postgres", () => openPostgres(newAddress()), { skip });
