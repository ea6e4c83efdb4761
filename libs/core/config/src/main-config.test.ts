import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";

const at = (module: string): string => JSON.stringify(import.meta.resolve(module));

it("a file or address that a flag names and that cannot be used ends the process with one line, as a wrong flag does", () => {
  const script = `
    import { XebecError } from ${at("@xebec/core-errors")};
    import { orExit } from ${at("./main-config.ts")};
    await orExit("galley", async () => { throw new XebecError("not_found", "the bus key x cannot be read"); });`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.deepEqual([status, stderr], [2, "galley: the bus key x cannot be read\n"]);
});
