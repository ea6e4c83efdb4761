import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { freePorts, startEnvoy, startNatsServer, tempDir, validateWithEnvoy } from "./index.ts";

test("free ports differ and a folder goes with its scope", async () => {
  const ports = await freePorts(5);
  assert.equal(new Set(ports).size, 5);
  let path: string;
  {
    using folder = tempDir();
    path = folder.path;
    assert.ok(existsSync(path));
  }
  assert.ok(!existsSync(path));
});

test("nats-server starts, restarts on its port with its store or a fresh one, and ends", async () => {
  await using server = await startNatsServer();
  const { storeDir } = server;
  await server.restart();
  assert.equal(server.storeDir, storeDir);
  await server.restart(true);
  assert.notEqual(server.storeDir, storeDir);
  await assert.rejects(startNatsServer({ config: "nonsense {" }), /nats-server ended/);
});

test("Envoy starts, becomes live, answers its admin interface, validates", async () => {
  await using envoy = await startEnvoy({ bootstrap: { node: { id: "test", cluster: "test" } } });
  await envoy.ready();
  assert.match(await envoy.admin("/server_info"), /"version"/);
  assert.equal(await validateWithEnvoy({ node: { id: "a", cluster: "b" } }), undefined);
  assert.match((await validateWithEnvoy({ nodes: {} })) ?? "", /nodes/);
});
