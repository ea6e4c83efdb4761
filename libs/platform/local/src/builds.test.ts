import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { buildEntry, withEntry } from "./builds.ts";
import { SERVICE_NODE_FLAGS } from "./images.ts";

test("the program of another build is its bundle, else its source; all else of a service stays", () => {
  using folder = tempDir();
  const put = (path: string): void => {
    mkdirSync(dirname(folder.file(path)), { recursive: true });
    writeFileSync(folder.file(path), "");
  };
  put("apps/pilot/src/main.ts");
  assert.equal(buildEntry(folder.path, "pilot"), folder.file("apps/pilot/src/main.ts"));
  put("apps/pilot/dist/main.mjs");
  const entry = buildEntry(folder.path, "pilot");
  assert.equal(entry, folder.file("apps/pilot/dist/main.mjs"));
  assert.throws(() => buildEntry(folder.path, "galley"), {
    code: "not_found",
    message: /apps\/galley\/dist\/main\.mjs/,
  });
  const rest = { name: "service/pilot", env: { A: "1" }, cwd: "/", logFile: "/log" };
  const spec = {
    ...rest,
    command: ["node", ...SERVICE_NODE_FLAGS, "/old/main.mjs", "--flag"] as [string, ...string[]],
  };
  assert.deepEqual(withEntry(spec, entry), { ...rest, command: ["node", ...SERVICE_NODE_FLAGS, entry, "--flag"] });
});
