import assert from "node:assert/strict";
import { it } from "node:test";
import { proxy } from "../small-mesh.testkit.ts";
import { lackingIn } from "./envoy-features.ts";
import { proxyOf } from "./proxy.ts";

for (const [version, expected] of [
  [undefined, undefined],
  [{ major: 1, minor: 36 }, ["customTagValue"]],
  [{ major: 1, minor: 37 }, undefined],
  [{ major: 2, minor: 0 }, undefined],
  [{ major: 0, minor: 99 }, ["customTagValue"]],
] as const)
  it(`Envoy ${version ? `${version.major}.${version.minor}` : "of an unknown version"} lacks ${expected ?? "nothing"}`, () => {
    assert.deepEqual(lackingIn(version), expected);
    const node = { id: proxy().id, metadata: {}, locality: "", version };
    assert.deepEqual(proxyOf(node).lacks, expected);
  });
