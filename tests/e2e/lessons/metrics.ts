import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { Mesh } from "../mesh.ts";
import { allAre } from "./reviews.ts";

/** The standard metrics. */
export function metricsLessons(mesh: () => Mesh): void {
  it("counts exactly the requests that were sent, with the right labels", async () => {
    const metrics = async (): Promise<string> => (await mesh().direct(mesh().address(8), 42422, "/metrics")).body;
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre(mesh(), "v1");
    const labels = { source_workload: "productpage-v1", destination_workload: "reviews-v1", response_code: "200" };
    const count = async (reporter: string): Promise<number> =>
      sum(await metrics(), "istio_requests_total", { ...labels, reporter });
    // Access logs are sent once a second: what came before must be counted before.
    const settle = (): Promise<number> =>
      waitFor("counters stand still", 15_000, async () => {
        const before = [await count("source"), await count("destination")];
        await new Promise((resolve) => setTimeout(resolve, 1_600));
        const after = [await count("source"), await count("destination")];
        return before.join() === after.join() ? (after[0] ?? 0) + 1 : undefined;
      });
    await settle();
    const before = { source: await count("source"), destination: await count("destination") };
    for (let i = 0; i < 50; i++) assert.equal(await mesh().reviewsVersion(), "v1");
    await waitFor(
      "50 requests are counted",
      10_000,
      async () =>
        (await count("source")) - before.source >= 50 && (await count("destination")) - before.destination >= 50,
      100,
    );
    await settle();
    assert.deepEqual(
      [(await count("source")) - before.source, (await count("destination")) - before.destination],
      [50, 50],
    );
    const text = await metrics();
    const line = text
      .split("\n")
      .find(
        (each) =>
          each.startsWith("istio_requests_total{") &&
          each.includes('reporter="destination"') &&
          each.includes('destination_workload="reviews-v1"') &&
          each.includes('source_workload="productpage-v1"'),
      );
    for (const label of [
      'connection_security_policy="mutual_tls"',
      'source_principal="cluster.local/ns/default/sa/bookinfo-productpage"',
      'destination_principal="cluster.local/ns/default/sa/bookinfo-reviews"',
      'destination_service="reviews.default.svc.cluster.local"',
      'destination_service_name="reviews"',
      'destination_version="v1"',
      'source_app="productpage"',
      'request_protocol="http"',
      'response_code="200"',
    ])
      assert.ok(line?.includes(label), `${label} in ${line}`);
    for (const name of [
      "istio_request_duration_seconds_bucket",
      "istio_request_bytes_count",
      "istio_response_bytes_sum",
    ])
      assert.ok(text.includes(name), name);
    mesh().remove("routes.yaml");
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) !== "v1");
  });
}

/** The sum of the samples of a metric that have these labels. */
function sum(text: string, name: string, labels: Record<string, string>): number {
  let total = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}{`)) continue;
    if (Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
      total += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return total;
}
