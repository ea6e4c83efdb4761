import assert from "node:assert/strict";
import { cpSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { lessons } from "./lessons.ts";
import { type Answer, Load, Mesh } from "./mesh.ts";

/** Requests for the product page with a key must have the right one. */
const KEYS = `apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: keys, namespace: default}
spec: {compiledAdapter: keyring, params: {keys: [one], strict: false}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: use, namespace: default}
spec: {compiledTemplate: keyuse, params: {key: 'request.headers["x-key"] | ""', caller_ip: source.ip}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: keys, namespace: default}
spec: {match: 'destination.labels["app"] == "productpage"', actions: [{handler: keys, instances: [use]}]}
`;

describe("Bookinfo on six services", () => {
  let mesh: Mesh;
  const adapter = tempDir();
  before(async () => {
    cpSync(join(import.meta.dirname, "../../libs/mixer/loader/testdata/keyring"), adapter.path, { recursive: true });
    mesh = await Mesh.start({ adapters: [adapter.path] });
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
    adapter.remove();
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

  it("takes an adapter's changed code while requests go on, and shows what adapters get of them", async () => {
    const services = ["galley", "mixer-policy", "mixer-telemetry"];
    const pids = await Promise.all(services.map((each) => mesh.pid(each)));
    const ask = (): Promise<Answer> => mesh.get("/productpage", { "x-key": "two", authorization: "Bearer mine" });
    const says = (text: string) => async () => {
      const { status, body } = await ask();
      return status === 401 && body.includes(text);
    };
    mesh.save("keys.yaml", KEYS);
    try {
      await waitFor("the adapter decides", 20_000, says("the key two is not known"), 50);
      await using load = new Load(mesh);
      await load.more(10);
      writeFileSync(join(adapter.path, "describe.ts"), 'export const describe = () => "changed";\n');
      await waitFor("the changed code", 20_000, says("changed"), 50);
      await load.more(10);
      await load.end();
      assert.deepEqual(load.failures, []);
      assert.deepEqual(await Promise.all(services.map((each) => mesh.pid(each))), pids, "no service was started anew");
      const match = 'request.headers["x-key"] == "two" && destination.labels["app"] == "productpage"';
      const flags = ["--from", "mixer-policy", "--count", "2", "--match", match, "-o", "-"];
      let isOver = false;
      const recorded = mesh.xebec(["adapter", "record", ...flags]).finally(() => {
        isOver = true;
      });
      while (!isOver) await ask();
      const { code, out, err } = await recorded;
      assert.equal(code, 0, err);
      const [line, ...more] = out
        .trim()
        .split("\n")
        .map((each) => JSON.parse(each));
      assert.equal(more.length, 1);
      assert.equal(line.attributes["request.headers"].authorization, "REDACTED");
      assert.match(line.attributes["source.workload.name"], /^istio-ingressgateway/);
      assert.doesNotMatch(out, /Bearer mine/);
    } finally {
      mesh.remove("keys.yaml");
    }
    await waitFor("nothing asks for keys", 20_000, async () => (await ask()).status === 200, 50);
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
