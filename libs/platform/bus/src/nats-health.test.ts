import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";
import { test } from "node:test";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";
import { freePort, startNatsServer, tempDir } from "@xebec/testing-launch";
import {
  createBusKeys,
  createNatsHealth,
  renderAuthorization,
  renderNatsConfig,
  renderSystemAccount,
} from "./index.ts";

test("the server's health is shown to one user over its client port, who may do nothing else", async () => {
  using folder = tempDir();
  const keys = await createBusKeys(folder.path);
  const { publicKey, seed } = keys.health;
  assert.deepEqual((await createBusKeys(folder.path)).health, keys.health, "a key that exists is kept");
  await using server = await startNatsServer({
    config: renderAuthorization(keys.publicKeys) + renderSystemAccount({ health: publicKey }),
  });
  const health = createNatsHealth({ server: server.address, seed });
  try {
    assert.equal(await health.error(), undefined);
    await server.kill();
    assert.equal(await health.error(), "it does not say how it is");
    assert.equal(await health.error(), "it does not accept connections yet");
    await server.restart();
    assert.equal(await health.error(), undefined, "it finds the server again");

    const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
    const connection = await connect({ servers: server.address, authenticator, inboxPrefix: "_INBOX_health" });
    for (const subject of ["$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.SERVER.PING.CONNZ", "proxies", "$JS.API.INFO"])
      await assert.rejects(connection.request(subject, "", { timeout: 500 }), subject);
    await connection.close();
  } finally {
    await health.close();
  }
});

test("nothing listens for monitoring", async () => {
  using folder = tempDir();
  const keys = await createBusKeys(folder.path);
  const port = await freePort();
  const text = renderNatsConfig({
    ...{ address: { host: "127.0.0.1", port }, storeDir: folder.file("store"), publicKeys: keys.publicKeys },
    healthKey: keys.health.publicKey,
  });
  assert.doesNotMatch(text, /^\s*(?:http|https|monitor|http_port|monitor_port|prof_port)\s*[:=]/m);
  await using server = await startNatsServer({ config: text.replace(/^listen.*$|^jetstream \{[^}]*\}$/gm, "") });
  // On the client's port HTTP gets no answer but the server's greeting.
  const answer = await new Promise<string>((resolve) => {
    const socket = connectSocket(server.port, "127.0.0.1");
    let said = "";
    socket.on("data", (bytes) => {
      said += bytes;
    });
    socket.on("close", () => resolve(said));
    socket.write("GET /varz HTTP/1.1\r\nhost: x\r\n\r\n");
  });
  assert.match(answer, /^INFO /);
  assert.doesNotMatch(answer, /HTTP\/1/);
});
