import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { openConfined } from "./confined-file.ts";

describe("a file that configuration names", () => {
  it("is made with its directories below what is allowed, for its owner only, and appended to", () => {
    using folder = tempDir();
    const allowed = folder.file("logs");
    const path = join(allowed, "deep/access.log");
    for (const text of ["one\n", "two\n"]) {
      const fd = openConfined(path, ["/nowhere", allowed]);
      writeSync(fd, text);
      closeSync(fd);
    }
    assert.equal(readFileSync(path, "utf8"), "one\ntwo\n");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(allowed, "deep")).mode & 0o777, 0o700);
  });

  it("is not opened elsewhere: by its path, by links at any place of it, as a pipe or a directory", () => {
    using folder = tempDir();
    const [allowed, outside] = [folder.file("logs"), folder.file("outside")];
    mkdirSync(allowed);
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "before");
    symlinkSync(outside, join(allowed, "away"));
    symlinkSync(join(outside, "secret"), join(allowed, "link"));
    symlinkSync(join(outside, "new"), join(allowed, "dangling"));
    symlinkSync(join(outside, "newdir"), join(allowed, "danglingdir"));
    assert.equal(spawnSync("mkfifo", [join(allowed, "pipe")]).status, 0);
    mkdirSync(join(allowed, "folder"));
    for (const path of [
      join(outside, "x"),
      `${allowed}/../outside/x`,
      join(allowed, "away/x"),
      join(allowed, "away/deep/x"),
      join(allowed, "link"),
      join(allowed, "dangling"),
      join(allowed, "danglingdir/x"),
      join(allowed, "pipe"),
      join(allowed, "folder"),
      `${allowed}x`,
      allowed,
      "relative",
    ])
      assert.throws(() => openConfined(path, [allowed]), path);
    assert.deepEqual(readdirSync(outside), ["secret"]);
    assert.equal(readFileSync(join(outside, "secret"), "utf8"), "before");
    assert.ok(!existsSync(`${allowed}x`));
  });

  it("may be below a directory that is reached by a link itself", () => {
    using folder = tempDir();
    mkdirSync(folder.file("real"));
    symlinkSync(folder.file("real"), folder.file("logs"));
    closeSync(openConfined(folder.file("logs/a"), [folder.file("logs")]));
    assert.ok(existsSync(folder.file("real/a")));
  });
});
