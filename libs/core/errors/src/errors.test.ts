import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CODES } from "./codes.ts";
import { isXebecError, XebecError } from "./xebec-error.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const ROWS = [
  ...readFileSync(join(ROOT, "docs/errors.md"), "utf8").matchAll(
    /^\| `([a-z_]+)` \| (\d+) \| (\d+) \| (\d+) \| (.+) \|$/gm,
  ),
];

describe("errors", () => {
  it("keep the text of an unknown error private", () => {
    const error = XebecError.from(new Error("the password is hush"));
    assert.equal(error.code, "internal");
    assert.doesNotMatch(error.message, /hush/);
    assert.match(error.detail ?? "", /hush/);
    assert.match(XebecError.from("hush").detail ?? "", /hush/);
  });

  it("pass through as they are", () => {
    const error = new XebecError("not_found", "no such thing");
    assert.equal(XebecError.from(error), error);
    assert.equal(isXebecError(Object.assign(new Error("x"), { name: "XebecError", code: "internal" })), true);
    assert.equal(isXebecError({ name: "XebecError", code: "internal" }), false);
  });

  it("stand in docs/errors.md, each code with its numbers", () => {
    assert.deepEqual(
      ROWS.map((row) => row.slice(1, 4)),
      Object.entries(CODES).map(([code, [grpc, http]]) => [code, String(grpc), String(http)]),
    );
    for (const [, code, , , , action = ""] of ROWS) assert.match(action, /\w\.$/, `${code}: what to do`);
  });

  it("stand there with the exit codes of the command line", () => {
    const usage = /USAGE_CODES.*new Set\(\[(.*)\]\)/.exec(readFileSync(join(ROOT, "apps/xebec/src/main.ts"), "utf8"));
    const codes = [...(usage?.[1] ?? "").matchAll(/"(\w+)"/g)].map((each) => each[1] ?? "");
    assert.ok(codes.length > 0);
    for (const [, code = "", , , exit] of ROWS) assert.equal(exit, codes.includes(code) ? "2" : "1", code);
  });
});
