import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { XebecError } from "@xebec/core-errors";
import { createPlainServer } from "./plain.ts";

test("fixed pages are answered as text, JSON or errors, and unread bodies end the connection", async () => {
  const server = createPlainServer({
    name: "test",
    address: { host: "127.0.0.1", port: 0 },
    pages: {
      "GET /text": () => ({ body: "hello" }),
      "GET /json": async () => ({ status: 503, body: { ready: false } }),
      "GET /below/*": ({ url }) => ({ body: url ?? "" }),
      "GET /status": () => ({ status: 204 }),
      "POST /refused": () => {
        throw new XebecError("permission_denied", "not for you", { detail: "private" });
      },
      "GET /error": () => {
        throw new Error("secret");
      },
    },
  });
  await server.start(new AbortController().signal);
  const url = `http://127.0.0.1:${server.port}`;
  const call = async (path: string, init?: RequestInit) => {
    const answer = await fetch(url + path, init);
    return [answer.status, answer.headers.get("content-type"), await answer.text()];
  };
  const json = "application/json; charset=utf-8";
  try {
    assert.deepEqual(await call("/text?q=1"), [200, "text/plain; charset=utf-8", "hello"]);
    assert.deepEqual(await call("/text", { method: "HEAD" }), [200, "text/plain; charset=utf-8", ""]);
    assert.deepEqual(await call("/json"), [503, json, '{"ready":false}']);
    assert.deepEqual(await call("/below/a/b?c"), [200, "text/plain; charset=utf-8", "/below/a/b?c"]);
    assert.deepEqual(await call("/status"), [204, null, ""]);
    assert.deepEqual(await call("/refused", { method: "POST" }), [
      403,
      json,
      '{"code":"permission_denied","message":"not for you"}',
    ]);
    for (const none of ["/", "/below", "/text/more", "/refused"]) assert.equal((await call(none))[0], 404, none);
    const [status, , body] = await call("/error");
    assert.equal(status, 500);
    assert.doesNotMatch(String(body), /secret/);

    const socket = connect(server.port, "127.0.0.1");
    socket.write("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nGET /text HTTP/1.1");
    let answer = "";
    for await (const part of socket) answer += part;
    assert.match(answer, /^HTTP\/1.1 403 [\s\S]*connection: close/i);
    assert.equal(answer.split("HTTP/1.1").length, 2, "what follows in the body is not a request");
  } finally {
    await server.close?.();
  }
});
