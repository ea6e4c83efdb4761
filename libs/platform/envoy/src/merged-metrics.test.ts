import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { httpCall } from "@xebec/platform-http/call";
import { freePorts } from "@xebec/testing-launch";
import { type AppMetrics, parsePrometheusAnnotations } from "./merged-metrics.ts";
import { createStatusServer } from "./status-server.ts";

const host = "127.0.0.1";

async function serving(answer: (path: string, headers: object) => Promise<string> | string) {
  const server = createServer(async (request, response) =>
    response.end(await answer(request.url ?? "", request.headers)),
  );
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.dispose]: () => void server.close() };
}

async function statusServer(port: number, envoyPort: number, app: AppMetrics | undefined) {
  const metrics = createMetrics();
  const server = createStatusServer({
    ...{ address: { host, port }, probes: new Map(), appHost: host },
    missing: async () => [],
    metrics: { metrics, envoy: { host, port: envoyPort }, app: app && { ...app, host } },
    quit() {},
    async drain() {},
  });
  await server.start(new AbortController().signal);
  return { [Symbol.asyncDispose]: async () => server.close?.() };
}

describe("the merged page of metrics", () => {
  it("takes the app from where the annotations say, and never from the agent's own port", () => {
    const read = (port: string): AppMetrics | undefined =>
      parsePrometheusAnnotations(JSON.stringify({ scrape: "true", port, path: "stats" }), 15_020);
    assert.deepEqual(read("9100"), { path: "/stats", port: 9_100 });
    assert.equal(read("15020"), undefined);
    assert.equal(parsePrometheusAnnotations("", 15_020), undefined);
    assert.throws(() => read("x"), { code: "invalid_argument" });
  });

  it("holds each source once when the app's page leads back to it", async () => {
    let scrapes = 0;
    using envoy = await serving(() => {
      scrapes++;
      return "envoy_x 1\n";
    });
    const [port = 0] = await freePorts(1, host);
    const page = { host, port, path: "/stats/prometheus" };
    let nested = 0;
    // An app that shows what it gets from the agent, request headers passed on, as a proxy does.
    using app = await serving(async (_path, headers) => {
      const { status, body } = await httpCall(page, page.path, { headers: headers as Record<string, string> });
      nested = status;
      return body;
    });
    await using _status = await statusServer(port, envoy.port, { path: "/", port: app.port });
    const { status, body } = await httpCall(page, page.path);
    assert.deepEqual([status, nested, scrapes], [200, 400, 1]);
    assert.match(body, /^envoy_x 1$/m);
  });
});
