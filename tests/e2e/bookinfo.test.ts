import assert from "node:assert/strict";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { lessons } from "./lessons.ts";
import { Mesh } from "./mesh.ts";

describe("Bookinfo on six services", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start();
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });
  lessons(() => mesh);

  it("keeps everything in its run directory from others, but the configuration", () => {
    const readable = readdirSync(mesh.runDir).filter(
      (name) => name !== "config" && lstatSync(join(mesh.runDir, name)).mode & 0o077 && !name.endsWith(".sock"),
    );
    assert.deepEqual(readable, []);
  });

  it("shows nothing of NATS to whoever asks: its monitoring port is closed", async () => {
    await assert.rejects(mesh.direct(mesh.address(2), 8222, "/varz"), { code: "ECONNREFUSED" });
    assert.ok((await mesh.status()).processes.find(({ name }) => name === "nats")?.ready);
  });

  it("names the service whose verdict is outstanding, and waits for it when it answers again", async () => {
    const rule = join(import.meta.dirname, "../../deploy/samples/bookinfo/policy/mixer-rule-deny-label.yaml");
    const pid = await mesh.pid("mixer-policy");
    process.kill(pid, "SIGSTOP");
    try {
      const { code, err } = await mesh.xebec(["apply", "--timeout", "1", "-f", rule]);
      assert.equal(code, 1, err);
      assert.match(err, /^error: the verdict of mixer-policy is outstanding/m);
      const got = await mesh.xebec(["get", "rules", "denyreviewsv3"]);
      assert.match(got.out, /pending[\s\S]*mixer-policy: has not applied the newest configuration yet/);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    const again = await mesh.xebec(["apply", "--timeout", "20", "-f", rule]);
    assert.deepEqual([again.code, again.err], [0, ""]);
    const gone = await mesh.xebec(["delete", "-f", rule]);
    assert.deepEqual([gone.code, gone.err], [0, ""]);
  });
});
