import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { logger, setLogLevel } from "@xebec/core-log";
import { createMetrics } from "@xebec/core-metrics";
import { monitoring } from "./index.ts";

/** fetch sets the header Host itself. */
function putWith(port: number, path: string, headers: Readonly<Record<string, string | undefined>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const how = {
      port,
      path,
      method: "PUT",
      host: "127.0.0.1",
      headers: { "content-type": "application/json", ...headers },
    };
    request(how, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end('{"level":"info"}');
  });
}

test("the monitoring port: health, readiness by name, metrics, version, log scopes", async () => {
  const metrics = createMetrics();
  metrics.counter("xebec_test_total", "A test.").inc();
  let missing = ["the state config is not synced"];
  const pilot = { name: "pilot", start: async () => {}, missing: () => missing };
  const server = monitoring({
    name: "pilot",
    address: { host: "127.0.0.1", port: 0 },
    components: [pilot],
    metrics,
    version: "1.2.3",
  });
  await server.start(new AbortController().signal);
  const url = `http://127.0.0.1:${server.port}`;
  const scope = logger("monitoring-test");
  try {
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    const before = await fetch(`${url}/readyz`);
    assert.deepEqual(
      [before.status, await before.json()],
      [503, { ready: false, missing: ["pilot: the state config is not synced"] }],
    );
    missing = [];
    const after = await fetch(`${url}/readyz`);
    assert.deepEqual([after.status, await after.json()], [200, { ready: true, missing: [] }]);
    const text = await fetch(`${url}/metrics`);
    assert.match(text.headers.get("content-type") ?? "", /^text\/plain/);
    assert.match(await text.text(), /^xebec_test_total 1$/m);
    assert.equal(await (await fetch(`${url}/version`)).text(), "xebec pilot 1.2.3\n");

    const put = (path: string, level: string) =>
      fetch(url + path, {
        method: "PUT",
        body: JSON.stringify({ level }),
        headers: { "content-type": "application/json" },
      });
    assert.equal((await put("/scopez/monitoring-test", "debug")).status, 200);
    assert.equal(scope.level, "debug");
    for (const headers of [{ host: "rebinding.example" }, { host: "localhost", "x-forwarded-for": "::1" }])
      assert.equal(await putWith(server.port, "/scopez/monitoring-test", headers), 403, JSON.stringify(headers));
    const levels = (await (await fetch(`${url}/scopez`)).json()) as Record<string, string>;
    assert.equal(levels["monitoring-test"], "debug");
    assert.equal((await put("/scopez/monitoring-test", "loud")).status, 400);
    for (const unknown of ["unknown-scope", "constructor", "toString"])
      assert.equal((await put(`/scopez/${unknown}`, "debug")).status, 404, unknown);
  } finally {
    setLogLevel("info", "monitoring-test");
    await server.close?.();
  }
});
