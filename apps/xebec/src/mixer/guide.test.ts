import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { uninstallAdapters } from "@xebec/mixer-loader";
import { TEMPLATES } from "@xebec/mixer-sdk";
import { freePort } from "@xebec/testing-launch";
import { adapterTest } from "./adapter-test.ts";
import { TRANSPORTS } from "./case-transport.ts";
import { evaluate } from "./eval.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");
const MAIN = join(ROOT, "apps/xebec/src/main.ts");
const xebec = (cwd: string, ...args: string[]): string =>
  execFileSync(process.execPath, [MAIN, ...args], { cwd, encoding: "utf8" });

/** The blocks of code of one part of the guide. */
function blocksOf(heading: string): { readonly language: string; readonly text: string }[] {
  const guide = readFileSync(join(ROOT, "docs/adapters.md"), "utf8");
  const part = guide.split(/^(?=## )/m).find((each) => each.startsWith(heading)) ?? "";
  return [...part.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language = "", text = ""]) => ({ language, text }));
}

/** The environment that two lines of the guide make; kept, because it takes long. */
function environment(lines: readonly string[]): string {
  const key = createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 12);
  const kept = join(ROOT, `node_modules/.cache/xebec-guide-${key}`);
  const whole = join(kept, "whole");
  if (existsSync(whole)) return join(kept, "venv");
  rmSync(kept, { recursive: true, force: true });
  mkdirSync(kept, { recursive: true });
  for (const line of lines) {
    const [program = "", ...args] = line.split(" ");
    execFileSync(program, args, { cwd: kept, stdio: "pipe" });
  }
  writeFileSync(whole, "");
  return join(kept, "venv");
}

test("the guide for Python, literally", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "guide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const blocks = blocksOf("## The first one in Python");
  const [prepare, proto, code, run, objects, requests, replay] = blocks.map(({ text }) => text);
  assert.deepEqual(
    blocks.map(({ language }) => language),
    ["sh", "proto", "python", "sh", "yaml", "json", "sh"],
  );
  const commands = (text = ""): string[] => text.trim().split("\n");
  try {
    symlinkSync(environment(commands(prepare)), join(folder, "venv"));
  } catch (error) {
    if (process.env.CI === "true") throw error;
    t.skip(`no environment of Python with gRPC: ${(error as Error).message}`);
    return;
  }
  const port = String(await freePort());
  for (const [name, text] of Object.entries({
    ...{ "listentry.proto": proto, "keys.py": code, "keys.yaml": objects, "requests.jsonl": requests },
  }))
    writeFileSync(join(folder, name), (text ?? "").replaceAll("9080", port));
  const [compile = "", serve = ""] = commands(run);
  const [protoc = "", ...flags] = compile.split(" ");
  execFileSync(join(folder, protoc), flags, { cwd: folder });
  const [python = "", ...args] = serve.replaceAll("9080", port).split(" ");
  const child = spawn(join(folder, python), args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit").then(() => Promise.reject(new Error("the adapter ended before it listened")));
  await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => undefined);
  const said = xebec(folder, ...(commands(replay)[0]?.split(" ").slice(1) ?? []));
  assert.match(
    said,
    /^1: check at .*\n(?: .*\n)* {6}keys\.handler\.istio-system .*: code 0; valid for 1000ms and 100 uses/,
  );
  assert.match(
    said,
    /^2: check at .*\n(?: .*\n)* {6}keys\.handler\.istio-system .*: code 16 the key two is not known/m,
  );
});

test("the guide for TypeScript, literally", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "guide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  t.after(() => uninstallAdapters());
  const blocks = blocksOf("## The first one, in ten minutes");
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
