import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { secretRecordOf } from "@xebec/model-pki";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { createTestCa } from "@xebec/testing-launch";
import { configDump } from "../debug/config-dump.ts";
import { DeltaClient, SotwClient } from "../test-client.testkit.ts";
import { XdsServer } from "./xds-server.ts";

const CA = createTestCa();
const NAMES = ["kubernetes://web", "kubernetes://more"];
const ROUTER = { id: "router~10.0.0.9~gw-1.default~default.svc.cluster.local", metadata: { NAMESPACE: "default" } };

function secret(name: string) {
  const { cert, key } = CA.issue({ dns: ["a.example"] });
  const record = secretRecordOf("Secret", { namespace: "default", name }, { stringData: { cert, key } });
  assert.ok(record);
  return { record, key };
}

async function pilot(...names: string[]) {
  const server = new XdsServer({ metrics: createMetrics() });
  const builder = new MeshBuilder();
  const made = names.map(secret);
  await server.update(builder.apply({ secrets: made.map(({ record }) => record) }));
  const change = async (...given: Parameters<MeshBuilder["apply"]>) => server.update(builder.apply(...given));
  return { server, change, keys: made.map(({ key }) => key) };
}

describe("secrets", () => {
  it("are for clients with a certificate alone", async () => {
    const { server } = await pilot("web");
    for (const authenticated of [true, false]) {
      const client = new SotwClient(server, { authenticated, node: ROUTER });
      client.send("secret", NAMES);
      const [answer] = client.take();
      assert.equal(answer?.count ?? 0, authenticated ? 1 : 0);
    }
  });

  it("that change come alone; those that are gone stay with the client, in the Delta form, too", async () => {
    const { server, change } = await pilot("web", "more");
    const client = new DeltaClient(server, { authenticated: true, node: ROUTER });
    client.send("secret", { subscribe: NAMES });
    const [first] = client.take();
    assert.deepEqual(first?.names.toSorted(), NAMES.toSorted());
    client.send("secret", { nonce: first?.response.nonce ?? "" });
    await change({ secrets: [secret("web").record] });
    const [second] = client.take();
    assert.deepEqual(second?.names, ["kubernetes://web"]);
    client.send("secret", { nonce: second?.response.nonce ?? "" });
    await change({ goneSecrets: ["Secret/default/web"] });
    assert.deepEqual(client.take(), []);
    await change({ secrets: [secret("web").record] });
    assert.deepEqual(client.take()[0]?.names, ["kubernetes://web"]);
  });

  it("have no key in the dump of the configuration", async () => {
    const { server, keys } = await pilot("web");
    const client = new SotwClient(server, { authenticated: true, node: ROUTER });
    client.send("secret", NAMES);
    const [connection] = [...server.connections];
    assert.ok(connection);
    const dump = JSON.stringify(await configDump(connection, [], false));
    assert.match(dump, /dynamic_active_secrets.*kubernetes:\/\/web/);
    assert.ok(dump.includes(Buffer.from("[redacted]").toString("base64")));
    const [key = ""] = keys;
    for (const text of [key.slice(40, 90), Buffer.from(key).toString("base64").slice(60, 120)])
      assert.ok(!dump.includes(text));
  });
});
