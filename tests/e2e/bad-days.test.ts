import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";
import { tempDir } from "@xebec/testing-launch";

// Disks of their own need a mount namespace, and what is mounted there is seen from inside only.
const WITH_TWO_DISKS =
  'mount -t tmpfs -o size=300m tmpfs "$2" && mount -t tmpfs -o size=1m tmpfs "$3" && exec "$0" "$@"';

it("goes on when the disk is full or read-only, and takes up again what came meanwhile", () => {
  using run = tempDir();
  using config = tempDir();
  const command = [process.execPath, join(import.meta.dirname, "bad-disk.ts"), run.path, config.path];
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    ["--map-root-user", "--mount", "sh", "-c", WITH_TWO_DISKS, ...command],
    { encoding: "utf8", timeout: 170_000 },
  );
  assert.equal(status, 0, `${stdout}\n${stderr}`);
});
