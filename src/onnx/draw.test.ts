import assert from "node:assert/strict";
import { test } from "node:test";
import { drawOnnx } from "./draw.ts";
import { createGraph } from "./graph.ts";

test("a graph is drawn as a flow chart with inputs, nodes, constants, outputs and arrows", () => {
  const g = createGraph("late");
  const distance = g.input("distance", "float64");
  const origin = g.input("origin", "string");
  const scaled = g.add("Sub", [distance, g.constant("float64", [4])]);
  const rank = g.addMl("LabelEncoder", [origin], {
    keys_strings: { strings: ["A", "B", "C", "D", "E"] },
    values_floats: { floats: Float32Array.of(1, 2, 3, 4, 5) },
  });
  g.output(g.add("Concat", [scaled, rank], { axis: { int: 1 } }), "value", "float64", ["N", 2]);
  assert.equal(
    drawOnnx(g.model()),
    `%% late: ai.onnx 17, ai.onnx.ml 3, 4 nodes
flowchart TD
  i0(["distance: float64 [N, 1]"])
  i1(["origin: string [N, 1]"])
  n0["Sub<br>float64 (4)"]
  n1["LabelEncoder<br>keys_strings (A, B, C, D, ... 5 in all)<br>values_floats (1, 2, 3, 4, ... 5 in all)"]
  n2["Concat<br>axis 1"]
  n3["Identity"]
  o0(["value: float64 [N, 2]"])
  i0 --> n0
  i1 --> n1
  n0 --> n2
  n1 --> n2
  n2 --> n3
  n3 --> o0`,
  );
});

test("a column's name cannot end its label or become markup", () => {
  const g = createGraph("hostile\nflowchart");
  g.output(g.input('a"]<script>;\n#', "float64"), "value", "float64", ["N", 1]);
  const drawing = drawOnnx(g.model());
  assert.match(drawing, /i0\(\["a#34;\]#60;script#62;#59;<br>#35;: float64 \[N, 1\]"\]\)/);
  assert.equal(drawing.split("\n").filter((line) => line.startsWith("flowchart")).length, 1);
});
