/** Commits pairs of rows without end and prints each number once it is acknowledged: the victim of the crash test. */
import { openSqlite } from "./sqlite.ts";

const records = await openSqlite(process.argv[2]!);
const start = Number(process.argv[3]);

async function commitForever(first: number, stride: number): Promise<void> {
  for (let number = first; ; number += stride) {
    const row = (half: string) => ({ sql: "INSERT INTO pins (digest, holder) VALUES (?, ?)", params: [String(number), half] });
    await records.commit([row("left"), row("right")]);
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map((lane) => commitForever(start + lane, 4)));
