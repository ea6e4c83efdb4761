import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { XebecError } from "@xebec/core-errors";
import { createHttpServer, type HttpApp } from "./index.ts";

async function serving(routes: (app: HttpApp) => void, work: (url: string, port: number) => Promise<void>) {
  const server = createHttpServer({ name: "test", address: { host: "127.0.0.1", port: 0 }, routes });
  await server.start(new AbortController().signal);
  try {
    await work(`http://127.0.0.1:${server.port}`, server.port);
  } finally {
    await server.close?.();
  }
}

test("routes are found by their parts, decoded; what was added first wins", async () => {
  const routes = (app: HttpApp): void => {
    app.get("/logs/:name", ({ params, query }) => [params.name, query.n]);
    app.get("/logs/all", () => "never");
    app.get("/files/*", ({ params }) => params["*"]);
    app.post("/logs/:name", ({ body }) => body);
    app.get("/proto", ({ query }) => ({ polluted: query.toString !== undefined }));
  };
  await serving(routes, async (url) => {
    const get = async (path: string, init?: RequestInit) => {
      const answer = await fetch(url + path, init);
      return [answer.status, answer.headers.get("content-type"), await answer.text()];
    };
    const json = "application/json; charset=utf-8";
    assert.deepEqual(await get("/logs/a%2Fb?n=1&n=2"), [200, json, '["a/b","1"]']);
    assert.deepEqual(await get("/logs/all"), [200, json, '["all",null]']);
    assert.deepEqual(await get("/files/x/%79/z?q"), [200, "text/plain; charset=utf-8", "x/y/z"]);
    assert.deepEqual(await get("/proto"), [200, json, '{"polluted":false}']);
    for (const none of ["/", "/logs", "/logs/", "/logs/a/b", "/Logs/a", "//logs/a"])
      assert.equal((await get(none))[0], 404, none);
    assert.equal((await get("/logs/%zz"))[0], 400);
    assert.equal((await get("/files/a", { method: "POST" }))[0], 404);
    const head = await fetch(`${url}/logs/a`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "10", ""]);
  });
});

test("bodies are read as their type says, and nothing else is guessed", async () => {
  const routes = (app: HttpApp): void => app.post("/", ({ body }) => ({ body }));
  await serving(routes, async (url) => {
    const post = async (body: string, type?: string) => {
      const answer = await fetch(url, { method: "POST", body, headers: type ? { "content-type": type } : {} });
      return [answer.status, JSON.parse(await answer.text()).body];
    };
    assert.deepEqual(await post('{"a":"\\u00e4"}', "application/json;charset=utf-8"), [200, { a: "ä" }]);
    assert.deepEqual(await post("x", "text/plain"), [200, "x"]);
    assert.deepEqual(await post(""), [200, undefined]);
    assert.deepEqual(await post("", "application/json"), [200, undefined]);
    for (const evil of ['{"__proto__":{"a":1}}', '{"a":{"\\u005f_proto__":1}}'])
      assert.equal((await post(evil, "application/json"))[0], 400, evil);
    assert.equal((await post("a=b", "application/x-www-form-urlencoded"))[0], 400);
  });
});

test("a guard refuses by the route, before the body has come", async () => {
  const routes = (app: HttpApp): void => {
    app.guard(({ route }) => {
      if (route === "/in/:x") throw new XebecError("permission_denied", "no");
    });
    app.post("/in/:x", () => "in");
  };
  await serving(routes, async (_url, port) => {
    const socket = connect(port, "127.0.0.1");
    socket.write("POST /%69n/1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nab");
    let answer = "";
    for await (const part of socket) answer += part;
    assert.match(answer, /^HTTP\/1.1 403 [\s\S]*connection: close[\s\S]*"message":"no"/i);
  });
});
