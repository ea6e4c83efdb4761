import assert from "node:assert/strict";
import { createServer, type OutgoingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, it } from "node:test";
import { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import { createTestCa, freePort } from "@xebec/testing-launch";
import {
  callUnary,
  createGrpcServer,
  createTlsSource,
  type RawUnaryHandler,
  rawUnary,
  type TlsSource,
} from "./index.ts";

const PATH = "/test.Echo/Say";
const HOST = "127.0.0.1";

async function serving(handler: RawUnaryHandler, work: (port: number) => Promise<void>, tls?: TlsSource) {
  const server = createGrpcServer({
    ...{ name: "test", address: { host: HOST, port: 0 }, tls, metrics: createMetrics() },
    services: [rawUnary(PATH, handler)],
  });
  await server.start(new AbortController().signal);
  try {
    await work(server.port);
  } finally {
    await server.close?.();
  }
}

const call = (port: number, more: Partial<Parameters<typeof callUnary>[1]> = {}, request = Buffer.from("hi")) =>
  callUnary(request, { address: { host: HOST, port }, path: PATH, ...more });

/** A server that answers every call with these headers and trailers, and no message. */
async function answering(headers: OutgoingHttpHeaders, work: (port: number) => Promise<void>): Promise<void> {
  const server = createServer().on("stream", (stream) => stream.respond(headers, { endStream: true }));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  try {
    await work((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

describe("one call on a connection of its own", () => {
  it("brings the answer, small and large, and sends metadata", async () => {
    const seen: (string | undefined)[] = [];
    const echo: RawUnaryHandler = (bytes, context) => {
      seen.push(context.metadata("authorization"));
      return bytes;
    };
    await serving(echo, async (port) => {
      assert.equal((await call(port, { metadata: { authorization: "Bearer x" } })).toString(), "hi");
      assert.equal((await call(port, {}, Buffer.alloc(0))).length, 0);
      const large = Buffer.alloc(3 << 20, 7);
      assert.ok((await call(port, {}, large)).equals(large));
      assert.equal(seen[0], "Bearer x");
      await assert.rejects(call(port, { maxMessageBytes: 1_000 }, Buffer.alloc(2_000)), { code: "resource_exhausted" });
    });
  });

  it("fails with the server's code and text", async () => {
    const refuse: RawUnaryHandler = () => {
      throw new XebecError("permission_denied", "nicht für dich: 100 %");
    };
    await serving(refuse, async (port) => {
      await assert.rejects(call(port), { code: "permission_denied", message: "nicht für dich: 100 %" });
      await assert.rejects(call(port, { path: "/test.Echo/None" }), { code: "unimplemented" });
    });
  });

  it("ends at its time limit, and when it is given up", async () => {
    const aborted: boolean[] = [];
    const hang: RawUnaryHandler = (_bytes, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(Buffer.alloc(aborted.push(true)))));
    await serving(hang, async (port) => {
      await assert.rejects(call(port, { timeoutMs: 100 }), { code: "deadline_exceeded" });
      const stop = new AbortController();
      const given = call(port, { signal: stop.signal });
      setImmediate(() => stop.abort());
      await assert.rejects(given, { code: "cancelled" });
      await assert.rejects(call(port, { signal: stop.signal }), { code: "cancelled" });
    });
  });

  it("says so when nobody answers, or somebody who speaks no gRPC", async () => {
    await assert.rejects(call(await freePort()), { code: "unavailable" });
    const cutting = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => cutting.listen(0, HOST, resolve));
    await assert.rejects(call((cutting.address() as AddressInfo).port), { code: "unavailable" });
    cutting.close();
    for (const [status, code] of [
      [503, "unavailable"],
      [404, "unimplemented"],
      [401, "unauthenticated"],
      [500, "unknown"],
      [200, "internal"],
    ] as const)
      await answering({ ":status": status }, (port) => assert.rejects(call(port), { code }, String(status)));
    await answering({ ":status": 200, "grpc-status": "0" }, (port) => assert.rejects(call(port), { code: "internal" }));
  });

  it("verifies the server, by its address or its identity", async () => {
    const ca = createTestCa();
    const uri = "spiffe://cluster.local/ns/a/sa/b";
    const tls = createTlsSource({ ...ca.issue({ ips: [HOST], uris: [uri] }), ca: ca.cert });
    const who: RawUnaryHandler = (_bytes, { identity }) => Buffer.from(identity ?? "nobody");
    await serving(
      who,
      async (port) => {
        const trusted = { current: () => ({ ca: ca.cert }) };
        assert.equal((await call(port, { tls: trusted })).toString(), "nobody");
        const own = { current: () => ({ ca: ca.cert, ...ca.issue({ uris: [uri] }) }) };
        assert.equal((await call(port, { tls: own })).toString(), uri);
        assert.equal((await call(port, { tls: { ...trusted, serverIdentities: [uri] } })).toString(), "nobody");
        for (const bad of [
          { current: () => ({ ca: createTestCa("other").cert }) },
          { ...trusted, serverIdentities: ["spiffe://cluster.local/ns/a/sa/other"] },
        ])
          await assert.rejects(call(port, { tls: bad }), { code: "unavailable" });
        await assert.rejects(call(port, { tls: trusted, address: { host: "localhost", port } }), {
          code: "unavailable",
        });
      },
      tls,
    );
  });
});
