import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createTestCa, freePort, tempDir } from "@xebec/testing-launch";
import { accepts, httpCall, httpStatus } from "./call.ts";

async function serve(t: TestContext, answer: RequestListener): Promise<{ host: string; port: number }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

function causeOf(text: string | RegExp): (error: Error & { code?: string }) => boolean {
  return ({ code, cause }) => {
    assert.equal(code, "unavailable");
    assert.match(String((cause as Error).message), new RegExp(text));
    return true;
  };
}

test("a call brings status, body and type back, whatever the status", async (t) => {
  const target = await serve(t, async (request, response) => {
    const body = await request.setEncoding("utf8").toArray();
    response.writeHead(418, { "content-type": "text/plain" });
    response.end(`${request.method} ${request.url} ${request.headers["x-a"]} ${body.join("")}`);
  });
  assert.deepEqual(await httpCall(target, "/a?b", { method: "POST", headers: { "x-a": "1" }, body: "né" }), {
    status: 418,
    body: "POST /a?b 1 né",
    contentType: "text/plain",
  });
});

test("a Unix socket and TLS are called the same way", async (t) => {
  using folder = tempDir();
  const socketPath = folder.file("s");
  const plain = createServer((_, response) => response.end("by socket")).listen(socketPath);
  const ca = createTestCa();
  const { key, cert } = ca.issue({ dns: ["here.test"] });
  const secure = createSecureServer({ key, cert }, (_, response) => response.end("by TLS")).listen(0, "127.0.0.1");
  t.after(() => {
    plain.close();
    secure.close();
  });
  await Promise.all([once(plain, "listening"), once(secure, "listening")]);
  assert.equal((await httpCall({ socketPath }, "/")).body, "by socket");
  const target = { host: "127.0.0.1", port: (secure.address() as AddressInfo).port };
  const tls = { ca: ca.cert, servername: "here.test" };
  assert.equal((await httpCall(target, "/", { tls })).body, "by TLS");
  await assert.rejects(httpCall(target, "/", { tls: { ...tls, servername: "other.test" } }), causeOf("other.test"));
});

test("an answer that trickles, grows or does not come is given up, with the reason", async (t) => {
  const target = await serve(t, (request, response) => {
    if (request.url === "/silent") return;
    response.write("some");
    const more = setInterval(() => response.write("more"), 5);
    response.on("close", () => clearInterval(more));
  });
  await assert.rejects(httpCall(target, "/silent", { timeoutMs: 50 }), causeOf("no answer within 50 ms"));
  await assert.rejects(httpCall(target, "/endless", { timeoutMs: 50 }), causeOf("no answer within 50 ms"));
  await assert.rejects(httpCall(target, "/endless", { maxBytes: 10 }), causeOf("larger than 10 bytes"));
  assert.equal(await httpStatus(target, "/endless", { timeoutMs: 5_000 }), 200);
});

test("a port that nobody listens on refuses calls and connections", async (t) => {
  const port = await freePort();
  await assert.rejects(httpCall({ host: "127.0.0.1", port }, "/"), causeOf("ECONNREFUSED"));
  assert.equal(await accepts("127.0.0.1", port, 500), false);
  const target = await serve(t, (_, response) => response.end());
  assert.equal(await accepts(target.host, target.port, 500), true);
});
