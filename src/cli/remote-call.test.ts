import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newCertificate } from "../guard/fixtures/new-certificate.ts";
import { openCertificate } from "../guard/index.ts";
import { startSample } from "../server/fixtures/sample-platform.ts";
import { remoteCall } from "./remote-call.ts";

test("a server is believed by the certificate that its workspace names, whatever name it stands for, and by no other", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mill-remote-"));
  const files = newCertificate(folder, "mill.example.org");
  const other = newCertificate(mkdtempSync(join(folder, "other-")), "mill.example.org");
  const certificate = await openCertificate(files);
  const sample = await startSample({}, { host: "0.0.0.0", certificate });
  const whoAmI = (cert: string | null) => remoteCall({ url: sample.url, certificate: cert }, sample.token)("whoAmI", {});
  try {
    assert.equal((await whoAmI(files.cert)).actor, "owner");
    for (const wrong of [other.cert, null, join(folder, "missing.pem")])
      await assert.rejects(whoAmI(wrong), { code: "cli.server-away", message: /self-signed/ });
  } finally {
    certificate.close();
    await sample.close();
    rmSync(folder, { recursive: true });
  }
});
