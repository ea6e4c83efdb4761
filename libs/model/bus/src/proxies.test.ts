import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeProxies, encodeProxies } from "./proxies.ts";

describe("the answer to the request for proxies", () => {
  const proxies = (count: number): object[] =>
    Array.from({ length: count }, (_, i) => ({
      ...{
        proxy: `app-${i}-7d9f8b6c5-x${i}.default`,
        cluster_sent: "0123456789abcdef",
        cluster_acked: "0123456789abcdef",
      },
      resources: { "type.googleapis.com/envoy.config.cluster.v3.Cluster": { sent: "x".repeat(900), acked: "" } },
    }));

  it("is read as it was written, and is a message of the bus also for thousands", async () => {
    for (const count of [0, 1, 5_000]) {
      const bytes = await encodeProxies(proxies(count));
      assert.ok(bytes.length < 1 << 20, `${bytes.length} bytes`);
      assert.deepEqual(await decodeProxies(bytes), proxies(count));
    }
  });

  it("is plain JSON when it is short", async () => {
    assert.equal(Buffer.from(await encodeProxies([{ a: 1 }])).toString(), '[{"a":1}]');
  });
});
