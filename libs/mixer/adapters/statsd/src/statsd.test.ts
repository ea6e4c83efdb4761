import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import {
  type AttributeValue,
  type Clock,
  type HandlerLimits,
  type InstanceShape,
  type MetricInstance,
  NO_REACH,
  type ValueType,
} from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { statsd } from "./info.ts";
import { createAdapter } from "./statsd.ts";

function limitsOf(...networks: string[]): HandlerLimits {
  const policy = createAddressPolicy(networks);
  return { ...NO_REACH, addressRefusal: (address) => policy.refusal(address) };
}

/** A StatsD server: a socket with the datagrams that it received. */
async function server(): Promise<{ port: number; next: () => Promise<string>; close: () => void }> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  const waiting: ((text: string) => void)[] = [];
  const arrived: string[] = [];
  socket.on("message", (bytes) => {
    const take = waiting.shift();
    if (take) take(String(bytes));
    else arrived.push(String(bytes));
  });
  await once(socket, "listening");
  const next = (): Promise<string> => {
    const text = arrived.shift();
    return text === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(text);
  };
  return { port: socket.address().port, next, close: () => socket.close() };
}

const sample = (name: string, value: AttributeValue, type: ValueType = "INT64", path = "/a"): MetricInstance => ({
  name,
  types: { value: type },
  value,
  dimensions: { names: ["code", "the-path"], types: ["INT64", "STRING"], values: [200, path] },
});
const shape = (name: string, value: ValueType = "INT64"): InstanceShape => ({
  ...{ name, template: "metric", types: { value } },
  maps: { dimensions: { code: "INT64", "the-path": "STRING" } },
});

async function withHandler(
  params: object,
  work: (tools: {
    readonly report: (...instances: MetricInstance[]) => void;
    readonly flush: () => void;
    readonly next: () => Promise<string>;
    readonly close: () => Promise<void>;
    readonly everyMs: number;
  }) => Promise<void>,
  random?: () => number,
): Promise<void> {
  const collector = await server();
  let flush = (): void => undefined;
  let everyMs = 0;
  const clock: Clock = {
    now: () => 0,
    every(ms, run) {
      everyMs = ms;
      flush = run;
      return () => {
        flush = () => undefined;
      };
    },
  };
  const limits = limitsOf("127.0.0.1");
  const handler = await startHandler(
    createAdapter({ limits }, random),
    { address: `127.0.0.1:${collector.port}`, ...params },
    { clock, limits },
  );
  const report = (...instances: MetricInstance[]): void => void handler.report?.(instances, "metric");
  const close = async (): Promise<void> => void (await handler.close?.());
  try {
    await work({ report, flush: () => flush(), next: collector.next, close, everyMs });
  } finally {
    await close();
    collector.close();
  }
}

const metrics = {
  "c.metric.ns": { type: "COUNTER", name_template: 'requests.{{.code}}.{{ index . "the-path" }}' },
  "g.metric.ns": { type: 2 },
  "t.metric.ns": { type: "DISTRIBUTION", nameTemplate: "took" },
  "d.metric.ns": { type: "DISTRIBUTION", nameTemplate: "size" },
};

test("counters, gauges and timings arrive at a StatsD server, several in one datagram, when the interval is over", () =>
  withHandler({ prefix: "mesh", metrics }, async ({ report, flush, next, everyMs }) => {
    assert.equal(everyMs, 300);
    report(sample("c.metric.ns", 2), sample("g.metric.ns", 7), sample("t.metric.ns", 1_500_000, "DURATION"));
    report(sample("d.metric.ns", 9_007_199_254_740_993n), sample("c.metric.ns", -1, "INT64", ""));
    flush();
    assert.deepEqual((await next()).split("\n"), [
      "mesh.requests.200./a:2|c",
      "mesh.g.metric.ns:7|g",
      "mesh.took:1.5|ms",
      "mesh.size:9007199254740993|c",
      "mesh.requests.200.:-1|c",
    ]);
  }));

test("a datagram is sent before it would be too long, and what waits is sent at the end", () =>
  withHandler({ flushBytes: 20, flushDuration: "5s", metrics }, async ({ report, next, close, everyMs }) => {
    assert.equal(everyMs, 5000);
    report(sample("d.metric.ns", 1), sample("d.metric.ns", 2), sample("d.metric.ns", 3));
    assert.equal(await next(), "size:1|c\nsize:2|c");
    report(sample("c.metric.ns", 1, "INT64", "/longer/than/the/limit"));
    assert.equal(await next(), "size:3|c");
    assert.equal(await next(), "requests.200./longer/than/the/limit:1|c");
    report(sample("d.metric.ns", 4));
    await close();
    assert.equal(await next(), "size:4|c");
  }));

test("a share of the samples is sent, with the rate", () => {
  const numbers = [0.05, 0.1, 0.99];
  return withHandler(
    { samplingRate: 0.1, metrics },
    async ({ report, flush, next }) => {
      report(sample("d.metric.ns", 1), sample("d.metric.ns", 2), sample("d.metric.ns", 3));
      flush();
      assert.equal(await next(), "size:1|c|@0.100000");
    },
    () => numbers.shift() ?? 1,
  );
});

test("a value from a request cannot forge a sample; a name that is too long and a value that is not a number are errors", () =>
  withHandler({ metrics }, async ({ report, flush, next }) => {
    report(sample("c.metric.ns", 1, "INT64", "/x:1|c\nforged:9|c|@0.1#tag a"));
    flush();
    assert.equal(await next(), "requests.200./x_1_c_forged_9_c__0.1_tag_a:1|c");
    assert.throws(() => report(sample("c.metric.ns", 1, "INT64", "x".repeat(2000))), /longer than 1024 characters/);
    assert.throws(
      () => report(sample("g.metric.ns", "text", "STRING"), sample("unknown.metric.ns", 1)),
      /g\.metric\.ns: text cannot be sent as GAUGE; no info for metric named unknown\.metric\.ns/,
    );
  }));

test("errors in the parameters are found", () => {
  const errors = (params: object, instances: InstanceShape[] = [], limits = limitsOf("127.0.0.1")): string[] =>
    paramErrors(statsd, params, { instances, limits });
  assert.deepEqual(errors({}), []);
  for (const address of ["host", "host:0", "host:70000", "http://host:1", "[x]:1", "::1:8125", "a b:1", ""])
    assert.deepEqual(errors({ address }), [`address: ${JSON.stringify(address)} is not HOST:PORT`], address);
  for (const address of ["statsd:8125", "10.0.0.1:8125", "[2001:db8::1]:8125"])
    assert.deepEqual(errors({ address }), [], address);
  assert.match(
    errors({ address: "127.0.0.2:8125" }).join(),
    /^address: 127\.0\.0\.2 is a loopback address; the flag --handlerNetworks of mixer-telemetry/,
  );
  assert.deepEqual(errors({ flushDuration: "-1s", metrics: { m: {} } }), [
    "flushDuration: must not be negative",
    "metrics.m.type: must be COUNTER, GAUGE or DISTRIBUTION",
  ]);
  assert.match(errors({ flushBytes: -1 }).join(), /^flushBytes: must be an integer from 0 to 65507/);
  assert.match(errors({ samplingRate: -1 }).join(), /^samplingRate: must be a number of at least 0/);
  const counter = { type: "COUNTER", nameTemplate: "{{.code}}.{{.nope}}" };
  assert.deepEqual(
    errors({ metrics: { "m.metric.ns": counter } }, [shape("m.metric.ns", "DURATION"), shape("other")]),
    [
      'metrics["m.metric.ns"].type: the instance\'s value is DURATION; COUNTER needs INT64',
      'metrics["m.metric.ns"].nameTemplate: the instance has no dimension nope',
      "metrics: has no other, which a rule sends to this handler",
    ],
  );
});

test("a name that leads to an address that may not be called keeps the handler from starting", async () => {
  await assert.rejects(startHandler(createAdapter({ limits: limitsOf() }), { address: "localhost:8125" }), {
    code: "permission_denied",
    message: /^localhost may not be called: (127\.0\.0\.1|::1) is a loopback address/,
  });
});
