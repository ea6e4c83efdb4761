// What a VirtualService says of time-outs, retries and faults.
import assert from "node:assert/strict";
import { type Case, describeCases, object, to, versions, virtualService } from "./lab/cases.ts";

const GATEWAY = "default/time";
/** The spec of a rule for everything, for the mesh and for the file's gateway. */
const everywhere = (name: string, rule: object): object =>
  virtualService(name, { gateways: ["mesh", GATEWAY], http: [{ route: [to(name)], ...rule }] });
/** Calls by HTTP/2, as a client of gRPC does. */
const grpc = (more: object = {}) => ({
  version: "2" as const,
  method: "POST",
  body: "x",
  headers: { "content-type": "application/grpc", te: "trailers", ...more },
});
const ANY = ["client", "explicit"];

const CASES: readonly Case[] = [
  {
    name: "a request that takes longer than the timeout is cut off, at sidecars and gateways",
    objects: (name) => [
      object("Gateway", "time", {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      everywhere(name, { timeout: "0.2s" }),
    ],
    async check({ call }) {
      for (const way of [...ANY.map((through) => ({ through })), { to: "gateway" }]) {
        assert.equal((await call("/", { ...way, do: "hang" })).status, 504, JSON.stringify(way));
        assert.equal((await call("/", way)).status, 200, JSON.stringify(way));
      }
    },
  },
  {
    name: "a timeout holds for all tries together",
    objects: (name) => [
      everywhere(name, { timeout: "0.5s", retries: { attempts: 20, perTryTimeout: "0.1s", retryOn: "5xx" } }),
    ],
    async check({ call, lab }) {
      const answer = await call("/", { do: "hang" });
      assert.equal(answer.status, 504);
      assert.ok((await lab.arrivals(answer, 2)).length < 8);
    },
  },
  {
    name: "without a timeout a request may take its time",
    objects: (name) => [everywhere(name, {})],
    check: async ({ call }) => assert.equal((await call("/", { do: "delay:700" })).status, 200),
  },
  {
    name: "a client's grpc-timeout holds where the route has no timeout",
    objects: () => [],
    async check({ call }) {
      const late = await call("/", { ...grpc({ "grpc-timeout": "200m" }), do: "hang" });
      assert.ok(["4", "14"].includes(late.headers["grpc-status"] ?? ""), JSON.stringify(late));
      const answer = await call("/", { ...grpc({ "grpc-timeout": "9S" }), do: "grpc:0" });
      assert.equal(answer.trailers["grpc-status"], "0", JSON.stringify(answer));
    },
    service: { ports: { grpc: 80 } },
  },
  {
    name: "a client's grpc-timeout is capped by the timeout of the route",
    objects: (name) => [everywhere(name, { timeout: "0.2s" })],
    async check({ call }) {
      for (const more of [{ "grpc-timeout": "60S" }, {}]) {
        const late = await call("/", { ...grpc(more), do: "hang" });
        assert.ok(["4", "14"].includes(late.headers["grpc-status"] ?? ""), JSON.stringify(late));
      }
    },
    service: { ports: { grpc: 80 } },
  },
  {
    name: "a timeout cuts an answer that does not end; a WebSocket and a request that does not end stay",
    objects: (name) => [everywhere(name, { timeout: "0.3s" })],
    async check({ call, lab, host }) {
      const streams = await Promise.all(
        (["1.1", "2"] as const).map((version) => lab.stream({ through: "client", url: `http://${host}/`, version })),
      );
      const answer = await call("/", { do: "drip", timeoutMs: 10_000 });
      assert.deepEqual([answer.status, answer.error === "no answer in 10000 ms"], [0, false], answer.error);
      // They are older than the answer that was cut.
      for (const each of streams) {
        assert.match(await each.say("a"), /:a$/);
        await each.close();
      }
    },
  },
  {
    name: "a try that takes too long is made again",
    objects: (name) => [
      everywhere(name, { timeout: "10s", retries: { attempts: 2, perTryTimeout: "0.2s", retryOn: "gateway-error" } }),
    ],
    async check({ call, lab }) {
      const answer = await call("/", { do: "hang,hang,200" });
      assert.equal(answer.status, 200);
      assert.equal((await lab.arrivals(answer)).length, 3);
      assert.equal(answer.got?.headers["x-envoy-attempt-count"], "3");
    },
  },
  {
    name: "a request is tried again as often as attempts says",
    objects: (name) => [everywhere(name, { retries: { attempts: 3, retryOn: "5xx", backoff: "1ms" } })],
    async check({ call, lab }) {
      const answer = await call("/", { do: "500" });
      assert.equal(answer.status, 500);
      assert.equal((await lab.arrivals(answer)).length, 4);
    },
  },
  {
    name: "retryOn takes words and numbers",
    objects: (name) => [everywhere(name, { retries: { attempts: 1, retryOn: "reset,418" } })],
    async check({ call }) {
      assert.equal((await call("/", { do: "418,200" })).status, 200);
      assert.equal((await call("/", { do: "reset,200" })).status, 200);
      assert.equal((await call("/", { do: "503,200" })).status, 503);
    },
  },
  {
    name: "retries without attempts try nothing again",
    service: { ports: { http2: 80 } },
    objects: (name) => [everywhere(name, { retries: {} })],
    check: async ({ call }) => assert.equal((await call("/", { do: "refuse,200" })).status, 503),
  },
  {
    name: "without retries what never was taken is tried twice again, and 503 is not",
    service: { ports: { http2: 80 } },
    objects: () => [],
    async check({ call, lab }) {
      const answer = await call("/", { do: "refuse,refuse,200" });
      assert.equal(answer.status, 200, JSON.stringify(answer));
      assert.equal((await lab.arrivals(answer)).length, 3);
      assert.equal((await call("/", { do: "503,200" })).status, 503);
    },
  },
  {
    name: "the time between tries is the backoff",
    objects: (name) => [
      everywhere(name, { timeout: "0.5s", retries: { attempts: 5, retryOn: "5xx", backoff: "24h" } }),
    ],
    // Envoy waits for anything from nothing to the backoff: time is up before the second try but once in 170,000 times.
    check: async ({ call }) => assert.equal((await call("/", { do: "500,200" })).status, 504),
  },
  {
    name: "another host is tried unless retryIgnorePreviousHosts is false",
    objects: (name) => [
      versions(name, { trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } } }),
      virtualService(name, {
        http: [
          {
            match: [{ uri: { prefix: "/same" } }],
            route: [to(name)],
            retries: { attempts: 1, retryOn: "5xx", retryIgnorePreviousHosts: false },
          },
          {
            match: [{ uri: { prefix: "/other" } }],
            route: [to(name)],
            retries: { attempts: 1, retryOn: "5xx", retryIgnorePreviousHosts: true },
          },
          { route: [to(name)], retries: { attempts: 1, retryOn: "5xx" } },
        ],
      }),
    ],
    async check({ call, lab }) {
      const servers = async (path: string): Promise<number> => {
        const answer = await call(path, { do: "500,200", headers: { "x-user": "jason" } });
        assert.equal(answer.status, 200);
        return new Set((await lab.arrivals(answer, 2)).map(({ server }) => server)).size;
      };
      for (let i = 0; i < 5; i++) {
        assert.equal(await servers("/same"), 1);
        assert.equal(await servers("/other"), 2);
        // A hash leads to the same host again.
        assert.equal(await servers("/hash"), 1);
      }
    },
  },
  {
    name: "the default route of a host that is chosen by hash tries another one",
    service: { ports: { http2: 80 } },
    objects: (name) => [
      object("DestinationRule", name, {
        host: name,
        trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } },
      }),
    ],
    async check({ call, lab }) {
      for (let i = 0; i < 5; i++) {
        const answer = await call("/", { do: "refuse,200", headers: { "x-user": `user ${i}` } });
        assert.equal(answer.status, 200);
        assert.equal(new Set((await lab.arrivals(answer, 2)).map(({ server }) => server)).size, 2);
      }
    },
  },
  {
    name: "an abort hits the part of the requests that its percentage says",
    objects: (name) => [
      virtualService(name, {
        http: [
          ["all", { percentage: { value: 100 } }],
          ["old", { percent: 100 }],
          ["none", { percentage: { value: 0 } }],
          ["unsaid", {}],
        ].map(([path, share]) => ({
          match: [{ uri: { prefix: `/${path}` } }],
          route: [to(name)],
          fault: { abort: { httpStatus: 418, ...(share as object) } },
        })),
      }),
    ],
    async check({ call }) {
      const statuses = async (path: string): Promise<number[]> => [
        ...new Set(await Promise.all(Array.from({ length: 10 }, async () => (await call(path)).status))),
      ];
      assert.deepEqual(await statuses("/all"), [418]);
      assert.deepEqual(await statuses("/old"), [418]);
      assert.deepEqual(await statuses("/none"), [200]);
      assert.deepEqual(await statuses("/unsaid"), [200]);
    },
  },
  {
    name: "an abort may be a status of gRPC",
    service: { ports: { grpc: 80 } },
    objects: (name) => [
      everywhere(name, { fault: { abort: { grpcStatus: "NOT_FOUND", percentage: { value: 100 } } } }),
    ],
    async check({ call }) {
      const answer = await call("/", grpc());
      assert.equal(answer.headers["grpc-status"], "5", JSON.stringify(answer));
    },
  },
  {
    name: "a delay holds the part of the requests that its percentage says",
    objects: (name) => [
      virtualService(name, {
        http: [
          ["all", { percentage: { value: 100 } }],
          ["old", { percent: 100 }],
          ["none", { percentage: { value: 0 } }],
          ["unsaid", {}],
        ].map(([path, share]) => ({
          match: [{ uri: { prefix: `/${path}` } }],
          route: [to(name)],
          fault: { delay: { fixedDelay: "30s", ...(share as object) } },
        })),
      }),
    ],
    async check({ call }) {
      const arrived = async (path: string): Promise<number> => (await call(path, { timeoutMs: 1_000 })).status;
      assert.deepEqual(await Promise.all(["/all", "/old"].map(arrived)), [0, 0]);
      assert.deepEqual(await Promise.all(["/none", "/unsaid"].map(arrived)), [200, 200]);
    },
  },
  {
    name: "a delayed request arrives after its delay",
    objects: (name) => [everywhere(name, { fault: { delay: { fixedDelay: "0.3s", percentage: { value: 100 } } } })],
    async check({ call }) {
      const answer = await call();
      assert.equal(answer.status, 200);
      assert.ok(answer.ms >= 290, `${answer.ms} ms`);
    },
  },
];

describeCases("a VirtualService's timeouts, retries and faults", "time", CASES);
