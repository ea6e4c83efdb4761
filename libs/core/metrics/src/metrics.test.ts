import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "./index.ts";

const CAP = 2_000;

async function value(metrics: ReturnType<typeof createMetrics>, line: string): Promise<number | undefined> {
  const text = await metrics.registry.metrics();
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

describe("metrics", () => {
  it("count further series as dropped when a metric is at its cap, and go on with those it has", async () => {
    const metrics = createMetrics();
    const counter = metrics.counter("requests_total", "requests", ["path"]);
    for (let i = 0; i < CAP + 5; i++) counter.inc({ path: `/${i}` });
    counter.inc({ path: "/0" }, 2);
    counter.inc({ path: "/new" });
    assert.equal(await value(metrics, 'requests_total{path="/0"}'), 3);
    assert.equal(await value(metrics, `requests_total{path="/${CAP - 1}"}`), 1);
    assert.equal(await value(metrics, `requests_total{path="/${CAP}"}`), undefined);
    assert.equal(await value(metrics, 'xebec_metrics_dropped_series_total{metric="requests_total"}'), 6);
  });

  it("have the same cap for gauges and histograms, and room again for what was removed", async () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge("age", "age", ["path"]);
    const histogram = metrics.histogram("took", "took", [1], ["path"]);
    for (let i = 0; i < CAP + 2; i++) {
      gauge.set({ path: `/${i}` }, i);
      histogram.observe({ path: `/${i}` }, i);
    }
    gauge.inc({ path: "/1" }, 1);
    assert.equal(await value(metrics, 'age{path="/1"}'), 2);
    assert.equal(await value(metrics, `age{path="/${CAP}"}`), undefined);
    assert.equal(await value(metrics, `took_count{path="/${CAP}"}`), undefined);
    assert.equal(await value(metrics, 'xebec_metrics_dropped_series_total{metric="age"}'), 2);
    assert.equal(await value(metrics, 'xebec_metrics_dropped_series_total{metric="took"}'), 2);
    gauge.remove({ path: "/1" });
    metrics.gauge("age", "age", ["path"]).set({ path: "/new" }, 5);
    assert.equal(await value(metrics, 'age{path="/new"}'), 5);
  });

  it("are made once for each name", async () => {
    const metrics = createMetrics();
    metrics.counter("pushes_total", "pushes").inc();
    metrics.counter("pushes_total", "pushes").inc();
    assert.equal(await value(metrics, "pushes_total"), 2);
    assert.equal(metrics.gauge("age", "age"), metrics.gauge("age", "age"));
    assert.equal(metrics.histogram("took", "took", [1]), metrics.histogram("took", "took", [1]));
  });

  it("read a gauge when they are asked, and belong to one service each", async () => {
    let connected = 1;
    const metrics = createMetrics();
    metrics.gauge("connected", "connected", [], () => connected);
    assert.equal(await value(metrics, "connected"), 1);
    connected = 7;
    assert.equal(await value(metrics, "connected"), 7);
    assert.equal(await value(createMetrics(), "connected"), undefined);
  });
});
