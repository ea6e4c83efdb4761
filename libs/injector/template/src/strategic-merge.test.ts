import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { strategicMerge } from "./strategic-merge.ts";

describe("laying a part of a pod over another", () => {
  const cases: readonly (readonly [name: string, base: unknown, over: unknown, result: unknown])[] = [
    ["fields are joined", { a: 1, b: { c: 2 } }, { b: { d: 3 } }, { a: 1, b: { c: 2, d: 3 } }],
    ["null takes a field away", { a: 1, b: 2 }, { a: null }, { b: 2 }],
    [
      "containers by name, at their place",
      { containers: [{ name: "a", image: "1" }, { name: "b" }] },
      { containers: [{ name: "c" }, { name: "a", image: "2" }] },
      { containers: [{ name: "a", image: "2" }, { name: "b" }, { name: "c" }] },
    ],
    ["other lists are replaced", { args: ["a", "b"] }, { args: ["c"] }, { args: ["c"] }],
    [
      "mounts by their path, ports by their number",
      { volumeMounts: [{ mountPath: "/a", name: "x" }], ports: [{ containerPort: 1, name: "p" }] },
      { volumeMounts: [{ mountPath: "/a", name: "y" }], ports: [{ containerPort: 2 }] },
      {
        volumeMounts: [{ mountPath: "/a", name: "y" }],
        ports: [{ containerPort: 1, name: "p" }, { containerPort: 2 }],
      },
    ],
    [
      "a value excludes where it came from",
      {
        env: [
          { name: "A", valueFrom: { x: 1 } },
          { name: "B", value: "1" },
        ],
      },
      {
        env: [
          { name: "A", value: "2" },
          { name: "B", valueFrom: { y: 1 } },
        ],
      },
      {
        env: [
          { name: "A", value: "2" },
          { name: "B", valueFrom: { y: 1 } },
        ],
      },
    ],
    [
      "directives",
      { containers: [{ name: "a" }, { name: "b", x: 1 }] },
      {
        containers: [
          { name: "a", $patch: "delete" },
          { name: "b", $patch: "replace", y: 2 },
        ],
      },
      { containers: [{ name: "b", y: 2 }] },
    ],
    [
      "what is new has no nulls and no directives",
      {},
      { a: { b: null, c: [{ $patch: "delete" }, 1] } },
      { a: { c: [1] } },
    ],
  ];
  for (const [name, base, over, result] of cases)
    it(name, () => {
      const before = structuredClone(base);
      assert.deepEqual(strategicMerge(base, over), result);
      assert.deepEqual(base, before, "the base stays as it is");
    });

  it("makes no prototype", () => {
    const over: unknown = JSON.parse('{"__proto__": {"x": 1}, "a": {"__proto__": {"y": 1}}}');
    const merged = strategicMerge({ a: {} }, over) as { a: Record<string, unknown> };
    assert.equal((merged as Record<string, unknown>).x, undefined);
    assert.equal(merged.a.y, undefined);
  });
});
