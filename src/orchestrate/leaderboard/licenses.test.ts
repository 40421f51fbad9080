import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gradeOf, OWN_LICENSE, strictestOf } from "./licenses.ts";

test("licences get stricter from permissive to copyleft to what grants nothing", () => {
  const rising = [
    ["MIT", "BSD-3-Clause", "Apache-2.0", "Python Software Foundation License", "MIT OR GPL-3.0-only", "BSD License"],
    ["MPL-2.0", "LGPL-2.1-or-later", "GNU Lesser General Public License v3 (LGPLv3)", "MIT AND MPL-2.0"],
    ["GPL-3.0-only", "GNU General Public License v2 (GPLv2)", "BSD-3-Clause AND GPL-3.0-only"],
    ["AGPL-3.0-only", "GNU Affero General Public License v3"],
    ["LicenseRef-NVIDIA-Proprietary", "Apache-2.0; NVIDIA Proprietary Software"],
    [null, "", "see the file"],
  ];
  const grades = rising.map((alike) => {
    const found = new Set(alike.map(gradeOf));
    assert.equal(found.size, 1, `${alike.join(", ")}: ${[...found].join(", ")}`);
    return [...found][0]!;
  });
  assert.deepEqual(
    grades,
    grades.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(grades).size, grades.length);
});

test("the strictest of several is named, of equals the first", () => {
  const named = (...licenses: (string | null)[]) => licenses.map((license, at) => ({ name: String(at), license }));
  assert.equal(strictestOf(named("MIT", "LGPL-3.0-only", "BSD-3-Clause", "MPL-2.0"))?.name, "1");
  assert.equal(strictestOf(named("MIT", "AGPL-3.0-only", null))?.name, "2");
  assert.equal(strictestOf([]), null);
});

test("our own licence is that of the package", () => {
  assert.equal(JSON.parse(readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8")).license, OWN_LICENSE);
});
