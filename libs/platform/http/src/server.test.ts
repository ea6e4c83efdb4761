import assert from "node:assert/strict";
import { Agent, request as httpsRequest } from "node:https";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { XebecError } from "@xebec/core-errors";
import { createTlsSource } from "@xebec/platform-grpc/tls-source";
import { createTestCa } from "@xebec/testing-launch";
import { createHttpServer, type HttpServerOptions } from "./index.ts";

const never = new AbortController().signal;

async function serving(
  options: Partial<HttpServerOptions>,
  work: (url: string, port: number) => Promise<void>,
): Promise<void> {
  const server = createHttpServer({
    name: "test",
    address: { host: "127.0.0.1", port: 0 },
    routes: () => {},
    ...options,
  });
  await server.start(never);
  try {
    await work(`http://127.0.0.1:${server.port}`, server.port);
  } finally {
    await server.close?.();
  }
}

test("errors become status, code and public text; other errors stay private", async () => {
  await serving(
    {
      routes(app) {
        app.get("/known", () => {
          throw new XebecError("permission_denied", "not for you", { detail: "private" });
        });
        app.get("/unknown", async () => {
          throw new Error("secret");
        });
        app.post("/echo", (request) => request.body);
      },
      limits: { maxBodyBytes: 100 },
    },
    async (url) => {
      const get = async (path: string, init: RequestInit = {}) => {
        const response = await fetch(url + path, init);
        return [response.status, await response.json()];
      };
      assert.deepEqual(await get("/known"), [403, { code: "permission_denied", message: "not for you" }]);
      assert.deepEqual(await get("/none"), [404, { code: "not_found", message: "nothing answers GET /none here" }]);
      const [status, body] = await get("/unknown");
      assert.equal(status, 500);
      assert.doesNotMatch(JSON.stringify(body), /secret/);
      const post = (text: string) =>
        get("/echo", { method: "POST", body: text, headers: { "content-type": "application/json" } });
      assert.deepEqual(await post('{"a":1}'), [200, { a: 1 }]);
      assert.equal((await post("{"))[0], 400);
      assert.deepEqual((await post(`"${"x".repeat(200)}"`))[0], 413);
    },
  );
});

test("large heads and slow heads are cut off", async () => {
  const routes: HttpServerOptions["routes"] = (app) => {
    app.get("/", () => "fine");
  };
  await serving({ routes, limits: { maxHeaderBytes: 2_048, headersMs: 100, requestMs: 100 } }, async (url, port) => {
    assert.equal((await fetch(url, { headers: { "x-big": "x".repeat(4_000) } })).status, 431);
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HT");
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes.toString();
    });
    await new Promise((resolve) => socket.on("close", resolve));
    assert.match(answer, /408/);
  });
});

/** Opens connections that say nothing. @returns ends them */
async function hold(port: number, count: number, localAddress: string): Promise<() => void> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: "127.0.0.1", localAddress }));
  for (const each of sockets) each.on("error", () => {});
  await Promise.all(sockets.map((each) => new Promise((resolve) => each.once("connect", resolve))));
  return () => {
    for (const each of sockets) each.destroy();
  };
}

for (const secure of [false, true])
  test(`connections that are idle starve nobody${secure ? ", behind TLS, too" : ""}, and a request in flight is never cut`, async () => {
    const ca = createTestCa();
    let answer: (() => void) | undefined;
    const routes: HttpServerOptions["routes"] = (app) => {
      app.get("/", () => "fine");
      app.get("/slow", () => new Promise((resolve) => (answer = () => resolve("at last"))));
    };
    const tls = secure ? createTlsSource({ ...ca.issue({ ips: ["127.0.0.1"] }) }) : undefined;
    const limits = { maxConnections: 20, maxConnectionsPerAddress: 12 };
    await serving({ routes, limits, tls }, async (url, port) => {
      const get = (path: string): Promise<string> =>
        secure ? getSecurely(port, { ca: ca.cert, path }) : fetch(url + path).then((each) => each.text());
      const slow = get("/slow");
      while (!answer) await new Promise((resolve) => setImmediate(resolve));
      const ends: (() => void)[] = [];
      try {
        // One caller beyond its own limit, then many callers beyond that of all.
        for (const address of ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]) {
          ends.push(await hold(port, 30, address));
          assert.equal(await get("/"), "fine", address);
        }
        answer?.();
        assert.equal(await slow, "at last");
      } finally {
        for (const end of ends) end();
      }
    });
  });

test("when every connection is busy, the newcomer goes", async () => {
  const answers: (() => void)[] = [];
  const routes: HttpServerOptions["routes"] = (app) => {
    app.get("/slow", () => new Promise((resolve) => answers.push(() => resolve("done"))));
  };
  await serving({ routes, limits: { maxConnections: 2, maxConnectionsPerAddress: 2 } }, async (url) => {
    const first = [fetch(`${url}/slow`), fetch(`${url}/slow`)];
    while (answers.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(fetch(`${url}/slow`));
    for (const each of answers) each();
    assert.deepEqual(await Promise.all(first.map(async (each) => (await each).text())), ["done", "done"]);
  });
});

test("a port in use is refused with the port's number", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const server = createHttpServer({ name: "webhook", address: { host: "127.0.0.1", port }, routes: () => {} });
  await assert.rejects(server.start(never), (error: XebecError) => {
    assert.match(error.message, new RegExp(`webhook: port ${port} on 127.0.0.1 is in use`));
    return true;
  });
  await server.close?.();
  other.close();
});

function clientOf(socket: Socket): string {
  return (socket as TLSSocket).getPeerCertificate().subjectaltname ?? "nobody";
}

function getSecurely(port: number, options: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    httpsRequest({ host: "127.0.0.1", port, agent, ...options }, (response) => {
      response.on("data", (bytes) => resolve(String(bytes)));
    })
      .on("error", reject)
      .end();
  });
}

test("TLS: the client's certificate, and a new key pair on an open port", async () => {
  const identity = "spiffe://cluster.local/ns/default/sa/a";
  const [ca, nextCa] = [createTestCa(), createTestCa("next")];
  const tls = createTlsSource({ ...ca.issue({ ips: ["127.0.0.1"] }), ca: ca.cert });
  const client = ca.issue({ uris: [identity] });
  await serving({ tls, routes: (app) => void app.get("/", ({ raw }) => clientOf(raw.socket)) }, async (_url, port) => {
    const get = (options: object) => getSecurely(port, options);
    assert.equal(await get({ ca: ca.cert, ...client }), `URI:${identity}`);
    assert.equal(await get({ ca: ca.cert }), "nobody");
    tls.update({ ...nextCa.issue({ ips: ["127.0.0.1"] }), ca: ca.cert });
    await assert.rejects(get({ ca: ca.cert }));
    assert.equal(await get({ ca: nextCa.cert, ...client }), `URI:${identity}`);
    tls.update({ cert: "nonsense", key: "nonsense" });
    assert.equal(await get({ ca: nextCa.cert, ...client }), `URI:${identity}`);
  });
});

test("TLS: a certificate that is not accepted, a revoked one say, is refused", async () => {
  const ca = createTestCa();
  const revoked = "spiffe://cluster.local/ns/default/sa/revoked";
  const tls = createTlsSource(
    { ...ca.issue({ ips: ["127.0.0.1"] }), ca: ca.cert },
    { acceptsClient: ({ identity }) => identity !== revoked },
  );
  await serving({ tls, routes: (app) => void app.get("/", () => "in") }, async (_url, port) => {
    const get = (uri: string) => getSecurely(port, { ca: ca.cert, ...ca.issue({ uris: [uri] }) });
    assert.equal(await get("spiffe://cluster.local/ns/default/sa/a"), "in");
    await assert.rejects(get(revoked), { code: "ECONNRESET" });
  });
});

test("close lets a running request finish", async () => {
  let answer: ((text: string) => void) | undefined;
  let arrived: () => void = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = createHttpServer({
    name: "test",
    address: { host: "127.0.0.1", port: 0 },
    routes: (app) =>
      void app.get("/", () => {
        arrived();
        return new Promise<string>((resolve) => {
          answer = resolve;
        });
      }),
  });
  await server.start(never);
  const pending = fetch(`http://127.0.0.1:${server.port}/`);
  await arrival;
  const closed = server.close?.();
  answer?.("done");
  assert.equal(await (await pending).text(), "done");
  await closed;
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
});
