import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { adminRequest, parseRequestCommand, parseWaitCommand, podPorts, waitUntilReady } from "./index.ts";

const PORTS = podPorts({});

describe("the ports of the pod", () => {
  it("are Istio's, or what the pod's variables say", () => {
    assert.deepEqual(PORTS, { host: "127.0.0.1", adminPort: 15_000, readyPort: 15_021 });
    const own = podPorts({
      ...{ ISTIO_META_INTERCEPTION_MODE: "NONE", INSTANCE_IP: "127.0.9.9" },
      PROXY_CONFIG: JSON.stringify({ proxyAdminPort: 15_900, proxyMetadata: { ENVOY_STATUS_PORT: "15921" } }),
    });
    assert.deepEqual(own, { host: "127.0.9.9", adminPort: 15_900, readyPort: 15_921 });
    assert.throws(() => podPorts({ ENVOY_STATUS_PORT: "x" }), { message: /^ENVOY_STATUS_PORT/ });
  });
});

describe("the command request", () => {
  const asked = (...args: string[]) => parseRequestCommand(args, PORTS);

  it("asks the admin interface, or the port that is named, wherever the flag stands", () => {
    assert.deepEqual(asked("GET", "/config_dump"), { method: "GET", path: "/config_dump", port: 15_000 });
    const drain = { method: "POST", path: "drain", port: 15_020 };
    assert.deepEqual(asked("--debug-port=15020", "POST", "drain"), drain);
    assert.deepEqual(asked("--debug-port", "15020", "POST", "drain"), drain);
    assert.deepEqual(asked("POST", "drain", "--debug-port=15020"), drain);
    assert.throws(() => asked("--debug-port=x", "GET", "/"), { code: "invalid_argument" });
    assert.throws(() => asked("--prot=1", "GET", "/"), { message: /--prot: no such flag; there are --debug-port/ });
  });

  it("gives the answer of that port", async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end("ok");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    assert.equal(await adminRequest("127.0.0.1", asked(`--debug-port=${port}`, "POST", "drain")), "ok");
    await waitUntilReady(parseWaitCommand(["--timeoutSeconds=5"], { ...PORTS, readyPort: port }));
    assert.deepEqual(seen, ["POST /drain", "GET /healthz/ready"]);
    server.close();
  });
});

describe("the command wait", () => {
  const time = (...args: string[]): number => parseWaitCommand(args, PORTS).timeoutMs;

  it("takes the time in all usual forms", () => {
    assert.equal(time(), 60_000);
    for (const args of [["5"], ["5s"], ["--timeoutSeconds=5"], ["--timeoutSeconds", "5"], ["--timeoutSeconds=5s"]])
      assert.equal(time(...args), 5_000, args.join(" "));
    assert.equal(time("1m30s"), 90_000);
    for (const text of ["x", "0", "-5", "5 s", "NaN", "Infinity"])
      assert.throws(
        () => time(`--timeoutSeconds=${text}`),
        { code: "invalid_argument", message: /time to wait/ },
        text,
      );
    assert.throws(() => time("--timeout=5"), { message: /no such flag/ });
    assert.throws(() => time("--timeoutSeconds"), { message: /needs a value/ });
  });

  it("takes Istio's other flags", () => {
    const { url, requestTimeoutMs, periodMs } = parseWaitCommand(
      ["--url=http://[::1]:15021/x", "--requestTimeoutMillis=100", "--periodMillis", "50"],
      PORTS,
    );
    assert.deepEqual([url.href, requestTimeoutMs, periodMs], ["http://[::1]:15021/x", 100, 50]);
    assert.throws(() => parseWaitCommand(["--url=https://a"], PORTS), { message: /is not an http/ });
  });
});
