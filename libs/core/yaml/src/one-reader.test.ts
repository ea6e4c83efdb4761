import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../../../..");

test("nothing else reads YAML: all of it means the same everywhere", () => {
  const users = globSync("{libs/*/*,libs/mixer/adapters/*,apps/*}/package.json", { cwd: ROOT }).filter((path) => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as { dependencies?: object };
    return "yaml" in dependencies || "js-yaml" in dependencies;
  });
  // Golden outputs are written, and their inputs are our own.
  assert.deepEqual(users.sort(), ["libs/core/yaml/package.json", "libs/testing/golden/package.json"]);
});
