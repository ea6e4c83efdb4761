import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { REASONS } from "./reasons.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const page = readFileSync(join(ROOT, "docs/errors.md"), "utf8");

/** The program text of the services in a folder of libs, without tests. */
function programs(folder: string): string {
  const root = join(ROOT, "libs", folder);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\/src\/.*(?<!\.test)\.ts$/.test(path) && !path.includes("node_modules"))
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");
}

describe("reasons of conditions", () => {
  it("stand in docs/errors.md with state and service, each once and in this order", () => {
    const rows = [...page.matchAll(/^\| `([A-Z]\w+)` \| (\w+) \| (\w+) \| (.*) \| (.+) \|$/gm)];
    assert.deepEqual(
      rows.map((row) => row.slice(1, 4)),
      Object.entries(REASONS).flatMap(([who, reasons]) =>
        Object.entries(reasons).map(([reason, state]) => [reason, state, who]),
      ),
    );
    for (const row of rows) assert.match(row[5] ?? "", /\.$/, `${row[1]}: what to do is a sentence`);
  });

  it("explain every state", () => {
    const states = new Set(Object.values(REASONS).flatMap((reasons) => Object.values(reasons)));
    for (const state of states) assert.match(page, new RegExp(`^\\| ${state} \\| [^|]+ \\|$`, "m"));
  });

  for (const [who, reasons] of Object.entries(REASONS))
    it(`are all given by ${who}`, () => {
      const text = programs(who);
      assert.deepEqual(
        Object.keys(reasons).filter((reason) => !text.includes(`"${reason}"`)),
        [],
      );
    });
});
