import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type EncodedResource, resourceSet } from "@xebec/pilot-xds-gen";
import { replaced } from "./derived-sets.ts";
import { hasInitialVersions, initialVersionsSet } from "./initial-versions.ts";

const resource = (name: string, version = "1", size = 1): EncodedResource => ({
  ...{ name, version, bytes: new Uint8Array(size).fill(7), configKeys: [] },
});

describe("sets that differ from the desired one", () => {
  const desired = resourceSet([resource("a"), resource("b")]);

  it("are one for all that differ alike", () => {
    const one = replaced(desired, [["a", resource("a", "old")]]);
    assert.equal(replaced(desired, [["a", resource("a", "old")]]), one);
    assert.deepEqual([...one.resources.values()].map((each) => each.version).sort(), ["1", "old"]);
    assert.deepEqual([...replaced(desired, [["a", undefined]]).resources.keys()], ["b"]);
    assert.equal(replaced(desired, []), desired);
  });

  it("are nobody else's when they hold what only a client says that it has", () => {
    const initial = initialVersionsSet(new Map([["a", "old"]]), new Set()).resources.get("a");
    const resumed = replaced(desired, [["a", initial]]);
    assert.ok(hasInitialVersions(resumed));
    assert.notEqual(replaced(desired, [["a", resource("a", "old")]]), resumed);
  });
});
