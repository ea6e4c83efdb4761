import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { decodeMulti, encode } from "@msgpack/msgpack";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { waitFor } from "@xebec/core-async";
import { createAdapter as dogstatsd } from "@xebec/mixer-adapters-dogstatsd";
import { createAdapter as fluentd } from "@xebec/mixer-adapters-fluentd";
import { createAdapter as nats } from "@xebec/mixer-adapters-nats";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { ManualClock, sampleLog, sampleMetric, testHost } from "@xebec/mixer-sinks/testkit";
import { startNatsServer } from "@xebec/testing-launch";
import { sent } from "./sent.testkit.ts";

// What each adapter with a protocol of its own writes, as the documentation of its sink has it.

test("dogstatsd: tags, the prefix, timings and histograms", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const lines: string[] = [];
  socket.on("message", (bytes) => lines.push(...String(bytes).split("\n")));
  const params = {
    ...{
      address: `127.0.0.1:${socket.address().port}`,
      prefix: "mesh",
      global_tags: { env: "test" },
      buffer_length: 10,
    },
    metrics: {
      "m.metric.ns": { name: "requests", type: "COUNTER", tags: { a: "b" } },
      "d.metric.ns": { name: "took", type: "DISTRIBUTION" },
    },
  };
  await sent(dogstatsd(testHost()), params, [
    ["metric", sampleMetric()],
    [
      "metric",
      sampleMetric(1_500_000, "DURATION", { name: "d.metric.ns" }),
      sampleMetric(5, "INT64", { name: "d.metric.ns" }),
    ],
  ]);
  await waitFor("three lines", 5_000, () => lines.length === 3);
  socket.close();
  assert.deepEqual(lines, [
    "mesh.requests:2|c|#env:test,a:b,code:200,path:/a",
    "mesh.took:1.5|ms|#env:test,code:200,path:/a",
    "mesh.took:5|h|#env:test,code:200,path:/a",
  ]);
});

test("fluentd: messages of the forward protocol, sent again until they are acknowledged", async () => {
  const messages: [string, [number, object][], { chunk?: string; size: number }][] = [];
  let refusals = 1;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", (bytes: Buffer) => {
      for (const message of decodeMulti(bytes) as Generator<(typeof messages)[number]>) {
        if (refusals-- > 0) return void socket.destroy();
        messages.push(message);
        socket.write(encode({ ack: message[2].chunk }));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const clock = new ManualClock();
  const handler = await startHandler(
    fluentd(testHost()),
    {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      integer_duration: true,
      push_interval_duration: "1s",
    },
    { clock },
  );
  await handler.report?.([sampleLog(), sampleLog({ tag: ["STRING", "own"] })] as never, "logentry");
  await waitFor("both tags", 5_000, () => {
    clock.advance(1_000);
    return messages.length === 2;
  });
  await handler.close?.();
  for (const each of sockets) each.destroy();
  server.close();
  const record = { code: 503, ip: "10.0.0.1", took: 1, url: "/a?b", severity: "Warning" };
  assert.deepEqual(
    messages.map(([tag, entries, { size }]) => [tag, entries, size]),
    [
      ["l.logentry.ns", [[1_700_000_000, record]], 1],
      ["own", [[1_700_000_000, { ...record, name: "l.logentry.ns" }]], 1],
    ],
  );
});

test("nats: a real server's stream acknowledges each record, under a subject that values cannot forge", async () => {
  await using server = await startNatsServer();
  const connection = await connect({ servers: server.address });
  await (await jetstreamManager(connection)).streams.add({ name: "MESH", subjects: ["mesh.>"] });
  const params = { servers: [`nats://${server.address}`], subject: "mesh.{{.template}}.{{.path}}" };
  await sent(nats(testHost()), params, [
    [
      "metric",
      sampleMetric(),
      sampleMetric(3, "INT64", { dimensions: { names: ["path"], types: ["STRING"], values: ["a.b > *"] } }),
    ],
  ]);
  const consumer = await jetstream(connection).consumers.get("MESH");
  const found: [string, unknown][] = [];
  for (let i = 0; i < 2; i++) {
    const message = await consumer.next({ expires: 5_000 });
    if (message) found.push([message.subject, (message.json() as { value: number }).value]);
  }
  await connection.close();
  assert.deepEqual(found, [
    ["mesh.metric./a", 2],
    ["mesh.metric.a_b____", 3],
  ]);
});
