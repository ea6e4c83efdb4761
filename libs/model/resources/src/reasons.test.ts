import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CONDITION_TYPES, outcomeOf, statusOf } from "./condition.ts";
import { type ConditionReason, REASONS } from "./reasons.ts";

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
  it("stand in docs/errors.md with outcome and table, each once and in this order", () => {
    const rows = [...page.matchAll(/^\| `([A-Z]\w+)` \| (\w+) \| (\w+) \| (.*) \| (.+) \|$/gm)];
    assert.deepEqual(
      rows.map((row) => row.slice(1, 4)),
      Object.entries(REASONS).flatMap(([who, reasons]) =>
        Object.entries(reasons).map(([reason, outcome]) => [reason, outcome, who]),
      ),
    );
    for (const row of rows) assert.match(row[5] ?? "", /\.$/, `${row[1]}: what to do is a sentence`);
  });

  it("explain every outcome with its status, and the page every type", () => {
    const outcomes = new Set(Object.values(REASONS).flatMap((reasons) => Object.entries(reasons)));
    for (const [reason, outcome] of outcomes) {
      const status = statusOf(reason as ConditionReason);
      assert.match(page, new RegExp(`^\\| ${outcome} \\| \`${status}\` \\| [^|]+ \\|$`, "m"));
    }
    for (const [controller, type] of Object.entries(CONDITION_TYPES))
      assert.match(page, new RegExp(`^\\| \`${type}\` \\| ${controller} \\| [^|]+ \\|$`, "m"));
  });

  it("are each in one table only, so that a reason has one outcome", () => {
    const all = Object.values(REASONS).flatMap((reasons) => Object.keys(reasons));
    assert.equal(new Set(all).size, all.length);
  });

  it("of another release count by their status", () => {
    const other = "FromTheFuture" as ConditionReason;
    assert.equal(outcomeOf({ reason: other, status: "False" }), "rejected");
    assert.equal(outcomeOf({ reason: other, status: "True" }), "attached");
    assert.equal(outcomeOf({ reason: "NoProxySelected", status: "False" }), "ignored");
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
