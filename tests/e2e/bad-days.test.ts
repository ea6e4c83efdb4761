import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";
import { tempDir } from "@xebec/testing-launch";

// A disk of its own needs a mount namespace, and what is mounted there is seen from inside only.
const ON_A_SMALL_DISK = [
  "--map-root-user",
  "--mount",
  "sh",
  "-c",
  'mount -t tmpfs -o size=300m tmpfs "$2" && exec "$0" "$@"',
];

it("goes on when the disk is full, and takes up again what came meanwhile when there is room", () => {
  using disk = tempDir();
  const command = [process.execPath, join(import.meta.dirname, "full-disk.ts"), disk.path];
  const { status, stdout, stderr } = spawnSync("unshare", [...ON_A_SMALL_DISK, ...command], {
    encoding: "utf8",
    timeout: 170_000,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
});
