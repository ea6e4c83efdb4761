import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Health,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@xebec/api-mesh/grpc/health/v1/health";
import { waitFor } from "@xebec/core-async";
import type { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import {
  createGrpcChannel,
  createGrpcClient,
  createGrpcServer,
  type GrpcService,
  grpcHealth,
  service,
} from "./index.ts";

async function serving(services: GrpcService[], work: (address: string) => Promise<void>): Promise<void> {
  const metrics = createMetrics();
  const server = createGrpcServer({ name: "test", address: { host: "127.0.0.1", port: 0 }, services, metrics });
  await server.start(new AbortController().signal);
  try {
    await work(`127.0.0.1:${server.port}`);
    assert.match(await metrics.registry.metrics(), /xebec_grpc_server_handled_total\{server="test",method="\/grpc/);
  } finally {
    await server.close?.();
  }
}

test("typed handlers take messages and may answer with fields, a message or bytes", async () => {
  const answers = service(Health, {
    async check({ service: name }) {
      if (name === "bytes")
        return toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status: 2 }));
      if (name === "message") return create(HealthCheckResponseSchema, { status: Status.SERVICE_UNKNOWN });
      return { status: Status.SERVING };
    },
  });
  await serving([answers], async (address) => {
    const client = createGrpcClient({ address, descriptor: Health });
    const statuses = await Promise.all(["", "message", "bytes"].map((name) => client.check({ service: name })));
    assert.deepEqual(
      statuses.map((each) => each.status),
      [1, 3, 2],
    );
    client.close();
    const raw = createGrpcChannel({ address });
    await assert.rejects(raw.unary("/grpc.health.v1.Health/Check", Uint8Array.of(0xff, 0xff)), (error: XebecError) => {
      assert.equal(error.code, "invalid_argument");
      return true;
    });
    raw.close();
  });
});

test("health follows what the components miss, in Check and in Watch", async () => {
  let missing: string[] = ["config"];
  const component = { name: "pilot", start: async () => {}, missing: () => missing };
  await serving([grpcHealth([component], ["known"])], async (address) => {
    const client = createGrpcClient({ address, descriptor: Health });
    assert.equal((await client.check({ service: "known" })).status, Status.NOT_SERVING);
    await assert.rejects(client.check({ service: "other" }), (error: XebecError) => error.code === "not_found");
    const got: Status[] = [];
    const watch = client.watch({});
    watch.onMessage(({ status }) => got.push(status));
    watch.onEnd(() => {});
    await waitFor("the first status", 2_000, () => got.length === 1);
    missing = [];
    await waitFor("the change", 2_000, () => got.length === 2);
    assert.deepEqual(got, [Status.NOT_SERVING, Status.SERVING]);
    assert.equal((await client.check({})).status, Status.SERVING);
    watch.cancel();
    client.close();
  });
});

test("a client without a server says unavailable, and waits when it is asked to", async () => {
  const client = createGrpcClient({ address: "127.0.0.1:1", descriptor: Health });
  await assert.rejects(client.check({}), (error: XebecError) => error.code === "unavailable");
  await assert.rejects(
    client.check({}, { waitForReady: true, timeoutMs: 50 }),
    (error: XebecError) => error.code === "deadline_exceeded",
  );
  client.close();
});
