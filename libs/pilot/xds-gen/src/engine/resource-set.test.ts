import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodedResource } from "../encode/resource.ts";
import { diffOf, EMPTY_SET, resourceSet } from "./resource-set.ts";

const resource = (name: string, content: number): EncodedResource => encodedResource(name, Buffer.of(content), []);
const resources = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat(2)), { selector: ([name]) => name })
  .map((list) => list.map(([name, content]) => resource(name, content)));

describe("a set of resources", () => {
  it("keeps the first of a name", () => {
    const set = resourceSet([resource("a", 1), resource("a", 2)]);
    assert.equal(set.resources.get("a")?.bytes[0], 1);
    assert.equal(set.version, resourceSet([resource("a", 1)]).version);
  });

  it("has the same version as another exactly when names and bytes are the same", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        const marks = (list: readonly EncodedResource[]): string =>
          list.map((each) => `${each.name}${each.bytes[0]}`).join();
        assert.equal(resourceSet(a).version === resourceSet(b).version, marks(a) === marks(b));
      }),
    );
  });

  it("differs from another by what makes the one of the other", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        const [before, after] = [resourceSet(a), resourceSet(b)];
        const { changed, removed } = diffOf(before, after);
        const made = new Map([...before.resources].map(([name, each]) => [name, each.version]));
        for (const name of removed) assert.ok(made.delete(name));
        for (const each of changed) {
          assert.notEqual(made.get(each.name), each.version, "what is the same is not sent");
          made.set(each.name, each.version);
        }
        const wanted = [...after.resources].map(([name, each]) => [name, each.version]).sort();
        assert.deepEqual([...made].sort(), wanted);
        assert.equal(diffOf(before, after), diffOf(before, after), "it is computed once");
      }),
    );
  });

  it("does not differ from itself", () => {
    assert.deepEqual(diffOf(EMPTY_SET, EMPTY_SET), { changed: [], removed: [] });
  });
});
