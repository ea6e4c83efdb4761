import assert from "node:assert/strict";
import { once } from "node:events";
import { linkSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcServer, rawUnary } from "./index.ts";
import { failsWith, LOCAL, never, serving } from "./serving.testkit.ts";

test("a port in use is refused with the port's number", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const server = createGrpcServer({
    name: "pilot xDS",
    address: { host: "127.0.0.1", port },
    services: [],
    metrics: createMetrics(),
  });
  await assert.rejects(
    server.start(never),
    failsWith("failed_precondition", new RegExp(`pilot xDS: port ${port} on 127.0.0.1 is in use`)),
  );
  other.close();
});

test("a port is shared by those that ask for it, and by nobody else", async () => {
  const options = { name: "pilot xDS", services: [rawUnary("/t.T/Echo", (bytes) => bytes)], metrics: createMetrics() };
  const first = createGrpcServer({ ...options, address: LOCAL, reusePort: true });
  await first.start(never);
  const address = { host: LOCAL.host, port: first.port };
  await assert.rejects(
    createGrpcServer({ ...options, address }).start(never),
    failsWith("failed_precondition", /in use/),
  );
  await serving({ ...options, address, reusePort: true }, async (channel) => {
    // Whoever is left serves.
    await first.close?.();
    assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(4)))], [4]);
  });
});

test("only the given address is bound", async () => {
  await serving({ address: { host: "127.0.0.2", port: 0 } }, async (_channel, { port }) => {
    const failure = await new Promise<string>((resolve) => {
      const probe = connect(port, "127.0.0.1", () => resolve("connected"));
      probe.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    });
    assert.equal(failure, "ECONNREFUSED");
  });
});

test("a Unix socket serves, is private, replaces a stale one and refuses a live one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "xebec-grpc-"));
  const path = join(folder, "s.sock");
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  const options = { name: "sds", address: { path }, services: [echo], metrics: createMetrics() };
  try {
    await serving(
      options,
      async (channel) => {
        assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(4)))], [4]);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        await assert.rejects(createGrpcServer(options).start(never), failsWith("failed_precondition", /in use/));
      },
      { address: { path } },
    );
    const killed = createServer().listen(`${path}.first`);
    await once(killed, "listening");
    linkSync(`${path}.first`, path);
    killed.close();
    await once(killed, "close");
    assert.ok(statSync(path).isSocket());
    await serving(
      options,
      async (channel) => {
        assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(6)))], [6]);
      },
      { address: `unix:${path}` },
    );
    const long = createGrpcServer({ ...options, address: { path: `/tmp/${"x".repeat(120)}` } });
    await assert.rejects(long.start(never), failsWith("invalid_argument", /longer than 107/));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
