import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { setLogLevel } from "@xebec/core-log";
import { healthChecker } from "./health-checker.ts";
import { probeWorkload } from "./probe-workload.ts";
import { type ProbeAction, readinessProbeOf } from "./readiness-probe.ts";

setLogLevel("silent", "health");

describe("readinessProbe of PROXY_CONFIG", () => {
  it("has Istio's defaults", () =>
    assert.deepEqual(readinessProbeOf({ httpGet: { port: 80 } }), {
      ...{ initialDelayMs: 0, timeoutMs: 1_000, periodMs: 10_000, successThreshold: 1, failureThreshold: 3 },
      action: { sort: "http", port: 80, path: "/", tls: false, headers: { "user-agent": "istio-probe/1.0" } },
    }));

  for (const [what, given, expected] of [
    [
      "HTTPS with headers",
      {
        httpGet: {
          port: 443,
          path: "x",
          host: "h",
          scheme: "HTTPS",
          httpHeaders: [{ name: "User-Agent", value: "me" }],
        },
      },
      { sort: "http", host: "h", port: 443, path: "/x", tls: true, headers: { "User-Agent": "me" } },
    ],
    ["a connection", { tcpSocket: { port: 9 } }, { sort: "tcp", port: 9 }],
    ["gRPC", { grpc: { port: 9, service: "s" } }, { sort: "grpc", port: 9, service: "s" }],
    ["a command", { exec: { command: ["a", "b"] } }, { sort: "exec", command: ["a", "b"] }],
  ] as const)
    it(`reads ${what}`, () => assert.deepEqual(readinessProbeOf(given)?.action, expected));

  for (const [given, message] of [
    [{}, /one of httpGet, tcpSocket, exec and grpc is needed/],
    [{ exec: { command: [] } }, /is needed/],
    [{ tcpSocket: { port: 0 } }, /readinessProbe\.tcpSocket\.port: 0 is not a port/],
    [{ tcpSocket: { port: 9 }, periodSeconds: -1 }, /periodSeconds: -1 is not a number/],
  ] as const)
    it(`refuses ${JSON.stringify(given)}`, () => assert.throws(() => readinessProbeOf(given), { message }));
});

describe("a probe of a workload", () => {
  const probe = (action: ProbeAction, timeoutMs = 5_000) => probeWorkload({ action, timeoutMs }, "127.0.0.1");

  it("by HTTP is well from 200 to 399", async (context) => {
    let status = 200;
    const server = createServer((request, response) => response.writeHead(request.url === "/x" ? status : 404).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const http: ProbeAction = { sort: "http", port, path: "/x", tls: false, headers: {} };
    for (const well of [200, 302, 399]) {
      status = well;
      assert.equal(await probe(http), undefined);
    }
    status = 503;
    assert.match((await probe(http)) ?? "", /\/x answers with 503/);
    assert.equal(await probe({ sort: "tcp", port }), undefined);
    assert.match((await probe({ ...http, tls: true })) ?? "", /does not answer/);
  });

  it("says that nobody answers", async () => {
    const port = 1;
    assert.match((await probe({ sort: "tcp", port })) ?? "", /127\.0\.0\.1:1 takes no connection/);
    assert.match((await probe({ sort: "grpc", port, service: "a" })) ?? "", /"a" at port 1 is not SERVING/);
    assert.match((await probe({ sort: "http", port, path: "/", tls: false, headers: {} })) ?? "", /does not answer/);
  });

  it("runs a command, for as long as it may", async () => {
    assert.equal(await probe({ sort: "exec", command: ["true"] }), undefined);
    assert.match((await probe({ sort: "exec", command: ["false"] })) ?? "", /false failed \(1\)/);
    assert.match((await probe({ sort: "exec", command: ["/no/such"] })) ?? "", /failed \(ENOENT\)/);
    assert.match((await probe({ sort: "exec", command: ["sleep", "60"] }, 20)) ?? "", /took more than 20 ms/);
  });
});

it("health is reported when it changes, after as many probes in a row as the thresholds say", async () => {
  const results = ["-", "+", "-", "+", "+", "+", "-", "-", "+", "-", "-", "-", "-", "+", "+"];
  const seen: string[] = [];
  let at = 0;
  const checker = healthChecker({
    probe: { initialDelayMs: 0, periodMs: 1, successThreshold: 2, failureThreshold: 3 },
    // It stays as it was at last: there may be more probes before the checker is closed.
    check: async () => (results[Math.min(at++, results.length - 1)] === "+" ? undefined : "bad"),
    report: (problem) => seen.push(`${at}: ${problem ?? "well"}`),
  });
  await checker.start(new AbortController().signal);
  await waitFor("all is seen", 5_000, () => at >= results.length);
  await checker.close?.();
  assert.deepEqual(seen, ["5: well", "12: bad", "15: well"]);
});
