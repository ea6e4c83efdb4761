import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { findProgram } from "./find-program.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("find program", () => {
  // The launch library uses this package, so its tempDir is out of reach.
  const root = mkdtempSync(join(tmpdir(), "xebec-test-"));
  after(() => rmSync(root, { recursive: true }));

  function save(path: string, mode: number, text = ""): string {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
    return file;
  }

  test("outside of a working copy a program that is not on PATH is not installed", () => {
    assert.throws(() => findProgram("envoy", { root, env: {} }), {
      code: "failed_precondition",
      message: 'envoy is not installed; run "npm run setup", or set XEBEC_ENVOY to its path',
    });
  });

  test("the variable goes first, then PATH, then what setup installed", () => {
    save("scripts/requirements.txt", 0o644, "envoy==1\n");
    const key = createHash("sha256").update("envoy==1\n").digest("hex").slice(0, 12);
    const installed = save(`.tools/${key}/envoy/_bin/envoy`, 0o755);
    const onPath = save("bin/envoy", 0o755);
    const given = save("mine/envoy", 0o755);
    const PATH = `${join(root, "none")}:${dirname(onPath)}`;
    assert.equal(findProgram("envoy", { root, env: { XEBEC_ENVOY: given, PATH } }), given);
    assert.equal(findProgram("envoy", { root, env: { PATH } }), onPath);
    assert.equal(findProgram("envoy", { root, env: { XEBEC_ENVOY: "", PATH: "" } }), installed);
  });

  test("a variable that names no program is reported, and not ignored", () => {
    const text = save("mine/text", 0o644);
    for (const path of [text, join(root, "none")])
      assert.throws(() => findProgram("nats-server", { root, env: { XEBEC_NATS_SERVER: path } }), {
        code: "failed_precondition",
        message: `XEBEC_NATS_SERVER=${path} is not a program; correct it or leave it out`,
      });
  });
});
