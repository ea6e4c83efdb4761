import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { uninstallAdapters } from "@xebec/mixer-loader";
import { TEMPLATES } from "@xebec/mixer-sdk";
import { adapterTest } from "./adapter-test.ts";
import { TRANSPORTS } from "./case-transport.ts";
import { evaluate } from "./eval.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");
const MAIN = join(ROOT, "apps/xebec/src/main.ts");
const xebec = (cwd: string, ...args: string[]): string =>
  execFileSync(process.execPath, [MAIN, ...args], { cwd, encoding: "utf8" });

test("the guide for TypeScript, literally", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "guide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  t.after(() => uninstallAdapters());
  const guide = readFileSync(join(ROOT, "docs/adapters.md"), "utf8");
  const blocks = [...guide.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, text]) => ({
    language,
    text: text ?? "",
  }));
  const [make, code, cases] = blocks;
  assert.deepEqual([make?.language, code?.language, cases?.language], ["sh", "ts", "yaml"]);
  for (const line of make?.text.trim().split("\n") ?? []) xebec(folder, ...line.split(" ").slice(1));
  writeFileSync(join(folder, "keyring/src/index.ts"), code?.text ?? "");
  writeFileSync(join(folder, "keyring/cases.yaml"), cases?.text ?? "");
  assert.match(xebec(folder, "adapter", "test", "keyring"), /2 of 2 cases passed/);
  for (const transport of TRANSPORTS)
    assert.equal(await adapterTest(join(folder, "keyring"), { transport }), 0, transport);
  // A case that does not hold is a failure, with its step.
  writeFileSync(join(folder, "keyring/cases.yaml"), (cases?.text ?? "").replace("code: 16", "code: 7"));
  const wrong = spawnSync(process.execPath, [MAIN, "adapter", "test", "keyring"], { cwd: folder, encoding: "utf8" });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /step 2: code is 16, not 7/);
  assert.match(xebec(folder, "adapter", "describe", "./keyring"), /`keys` \| array \| `\[\]` \| Keys that may pass/);
});

test("a new package of a template of each variety passes its cases at once", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "new-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const byVariety = new Map([...TEMPLATES.values()].map((each) => [each.variety, each.name]));
  assert.equal(byVariety.size, 4);
  for (const template of byVariety.values()) {
    xebec(folder, "adapter", "new", `a-${template}`, "--template", template);
    assert.match(xebec(folder, "adapter", "test", `a-${template}`), /2 of 2 cases passed/);
  }
});

test("an expression gives type, value or error, and what it read", () => {
  assert.deepEqual(evaluate('request.headers["x"] | "none"', { "request.headers": {} }), {
    ...{ type: "STRING", value: "none" },
    referenced: [{ name: "request.headers", key: "x", present: false }],
  });
  const kind = (expr: string, attributes = {}) => evaluate(expr, attributes).error?.kind;
  assert.equal(kind("(("), "parse");
  assert.equal(kind('request.size == "x"'), "type");
  assert.equal(kind("request.size > 1"), "missing-attribute");
  assert.equal(kind("ip(request.path)", { "request.path": "no" }), "evaluation");
  assert.equal(evaluate("mine", { mine: "2s" }, { mine: "DURATION" }).value, "2s");
});
