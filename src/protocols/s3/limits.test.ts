import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { openDoor } from "./fixtures/open-door.ts";
import { createDoorLimits } from "./limits.ts";

const clock = { ms: Date.now() };
const door = await openDoor({ limits: { requests: 20, strangers: 3 }, clock: () => clock.ms });
after(() => door.close());

const { key, reader } = door;
const ask = async (as = key): Promise<string> => {
  const { status, body } = await door.ask({ url: "/", key: as, atMs: clock.ms });
  return `${status} ${/<Error><Code>(\w+)<\/Code><Message>[^<]+<\/Message>.*<RequestId>/.exec(body.toString())?.[1] ?? "answered"}`;
};
const times = async (count: number, as = key): Promise<string[]> => {
  const said = [];
  for (let asked = 0; asked < count; asked++) said.push(await ask(as));
  return said;
};

test("who guesses at keys from an address is told to slow down; who signs rightly is let in from there all the same", async () => {
  const guess = { id: key.id, secret: "a guess at it" };
  const wrong = "403 SignatureDoesNotMatch";
  assert.deepEqual(await times(5, guess), [wrong, wrong, wrong, "503 SlowDown", "503 SlowDown"]);
  assert.equal(await ask({ id: "MILLAAAAAAAAAAAAAAAA", secret: "x" }), "503 SlowDown");
  assert.equal(await ask(), "200 answered");
});

test("an address sends so many and no more, whatever its keys; after a while it may again", async () => {
  clock.ms += 60_000;
  assert.deepEqual(new Set([...(await times(12)), ...(await times(8, reader))]), new Set(["200 answered"]));
  assert.deepEqual(await times(2, reader), ["503 SlowDown", "503 SlowDown"]);
  const told = { name: "SlowDown", $metadata: { httpStatusCode: 503 } };
  await assert.rejects(door.client(reader).send(new ListBucketsCommand()), ({ name, $metadata: { httpStatusCode } }) => {
    assert.deepEqual({ name, $metadata: { httpStatusCode } }, told);
    return true;
  });
  clock.ms += 3_000;
  assert.deepEqual(await times(2), ["200 answered", "503 SlowDown"]);
});

test("a key sends so many, from however many addresses; without a bound all is let in", () => {
  const limits = createDoorLimits({ requests: 5, strangers: 0 }, () => 0);
  const send = (address: number) => {
    limits.arrived(`192.0.2.${address}`);
    limits.admitted("one key");
  };
  for (let address = 0; address < 5; address++) send(address);
  assert.throws(() => send(5), { code: "guard.too-many-requests" });
  for (let guesses = 0; guesses < 1000; guesses++) limits.refused("192.0.2.1");
});
