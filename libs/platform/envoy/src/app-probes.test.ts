import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcServer, grpcHealth } from "@xebec/platform-grpc";
import { createTestCa, freePorts } from "@xebec/testing-launch";
import { parseAppProbes, probeApp } from "./app-probes.ts";

const HOST = "127.0.0.1";

/** The answer to kubelet for one probe. */
async function asked(action: object): Promise<number> {
  const probe = parseAppProbes(JSON.stringify({ "/app-health/a/readyz": { ...action, timeoutSeconds: 2 } }));
  return probeApp(probe.get("/app-health/a/readyz") ?? assert.fail(), HOST);
}

describe("a probe of the app", () => {
  it("by gRPC asks its health service", async () => {
    const missing: string[] = [];
    const part = { name: "part", start: async () => undefined, missing: () => missing };
    const server = createGrpcServer({
      ...{ name: "app", address: { host: HOST, port: 0 }, metrics: createMetrics() },
      services: [grpcHealth([part], ["shop.Cart"])],
    });
    await server.start(new AbortController().signal);
    const { port } = server;
    assert.equal(await asked({ grpc: { port } }), 200);
    assert.equal(await asked({ grpc: { port, service: "shop.Cart" } }), 200);
    assert.equal(await asked({ grpc: { port, service: "other" } }), 500);
    missing.push("everything");
    assert.equal(await asked({ grpc: { port } }), 500);
    await server.close?.();
    assert.equal(await asked({ grpc: { port } }), 500);
    assert.throws(() => parseAppProbes('{"/app-health/a/readyz":{"grpc":{}}}'), { code: "invalid_argument" });
  });

  it("over HTTPS takes any certificate and gives the app's status", async () => {
    const ca = createTestCa();
    const server = createServer({ ...ca.issue({ dns: ["app.example.com"] }) }, (request, response) => {
      response.writeHead(request.url === "/ok" && request.headers.x === "1" ? 204 : 503).end("x".repeat(100_000));
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address() as AddressInfo;
    const httpHeaders = [{ name: "x", value: "1" }];
    assert.equal(await asked({ httpGet: { scheme: "HTTPS", port, path: "/ok", httpHeaders } }), 204);
    assert.equal(await asked({ httpGet: { scheme: "HTTPS", port, path: "/" } }), 503);
    assert.equal(await asked({ httpGet: { scheme: "HTTP", port, path: "/ok" } }), 500);
    server.close();
    const [nobody = 0] = await freePorts(1, HOST);
    assert.equal(await asked({ httpGet: { scheme: "HTTPS", port: nobody, path: "/ok" } }), 500);
  });
});
