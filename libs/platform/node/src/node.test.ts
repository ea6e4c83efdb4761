import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AddressPool } from "./addresses.ts";
import { HostImages, KNOWN_IMAGES, splitImage } from "./images/host-images.ts";
import { quantity } from "./pod/quantity.ts";
import { resolveInRoot } from "./runtime/root-path.ts";

test("addresses are given once, again to who had them, and used again late", () => {
  const pool = new AddressPool("10.244.3.0/29");
  assert.equal(pool.take("a"), "10.244.3.2");
  assert.equal(pool.take("a"), "10.244.3.2");
  assert.equal(pool.take("back", "10.244.3.4"), "10.244.3.4");
  assert.equal(pool.take("b", "192.0.2.1"), "10.244.3.3");
  pool.give("a");
  assert.deepEqual([pool.take("c"), pool.take("d")], ["10.244.3.5", "10.244.3.6"]);
  assert.equal(pool.take("e"), "10.244.3.2");
  assert.throws(() => pool.take("f"), /no address is left/);
});

test("links of a container's root stay within it", (t) => {
  const root = mkdtempSync(join(tmpdir(), "xebec-root-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "var"));
  symlinkSync("/run", join(root, "var/run"));
  symlinkSync("../../../../etc", join(root, "up"));
  symlinkSync("loop", join(root, "loop"));
  assert.equal(resolveInRoot([root], "/var/run/secrets/token"), "/run/secrets/token");
  assert.equal(resolveInRoot([root], "/up/passwd"), "/etc/passwd");
  assert.equal(resolveInRoot([root], "/../../x"), "/x");
  assert.equal(resolveInRoot([root], "/loop"), "/loop");
});

test("quantities of Kubernetes", () => {
  assert.deepEqual(["100m", "2", "1Gi", "1e3", "5k", "x"].map(quantity), [0.1, 2, 2 ** 30, 1_000, 5_000, 0]);
});

test("images are known by the last part of their name, whatever their registry", async () => {
  assert.deepEqual(splitImage("localhost:5000/istio/proxyv2:1.29@sha256:00"), {
    repository: "localhost:5000/istio/proxyv2",
    tag: "1.29",
  });
  assert.deepEqual(splitImage("localhost:5000/busybox"), { repository: "localhost:5000/busybox", tag: "latest" });
  const images = new HostImages({ root: "/repo", path: ["/tools"], programs: { envoy: "/envoy" } });
  const proxy = await images.resolve("docker.io/istio/proxyv2:1.29.0");
  assert.equal(proxy.user.uid, 1_337);
  assert.ok(proxy.entrypoint.some((each) => each.startsWith("/repo/apps/pilot-agent")));
  assert.match(proxy.env.PATH ?? "", /\/tools/);
  assert.equal((await images.resolve("xebec/xebec-pilot:0.1")).user.uid, 65_532);
  await assert.rejects(images.resolve("example.com/else:1"), (error: Error) => {
    for (const each of KNOWN_IMAGES) assert.ok(error.message.includes(each), each);
    return true;
  });
});
