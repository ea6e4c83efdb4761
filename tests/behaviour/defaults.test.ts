// What holds where an object says nothing, or zero, which is the same in Istio's messages.
import assert from "node:assert/strict";
import { type Case, describeCases, object } from "./lab/cases.ts";

const rule = (name: string, trafficPolicy: object): object =>
  object("DestinationRule", name, { host: name, trafficPolicy });

const CASES: readonly Case[] = [
  {
    name: "zeros of a connection pool are not limits",
    service: { ports: { http2: 80 } },
    objects: (name) => [
      rule(name, {
        connectionPool: {
          tcp: { maxConnections: 0, tcpKeepalive: { probes: 0, time: "1800s", interval: "0.5s" } },
          http: {
            ...{ http1MaxPendingRequests: 0, http2MaxRequests: 0, maxRequestsPerConnection: 0, maxRetries: 0 },
          },
        },
      }),
    ],
    async check({ call }) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => call("/", { do: "delay:100" })));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      // A refused cluster would leave the service's own behind.
      assert.equal((await call("/", { do: "refuse,200" })).status, 200);
    },
  },
  {
    name: "a ring of no size has Istio's",
    objects: (name) => [
      rule(name, { loadBalancer: { consistentHash: { httpHeaderName: "x-user", ringHash: { minimumRingSize: 0 } } } }),
    ],
    async check({ call, host, lab }) {
      const first = await call("/", { headers: { "x-user": "jason" } });
      assert.equal(first.status, 200);
      for (let i = 0; i < 5; i++) assert.equal((await call("/", { headers: { "x-user": "jason" } })).by, first.by);
      const stats = await lab.envoys.get("client")?.admin(`/stats?filter=${host}.*ring_hash_lb.size$`);
      assert.match(stats ?? "", /: 1024\n/);
    },
  },
  {
    name: "an outlier detection with zeros ejects nobody for errors that were switched off",
    objects: (name) => [
      rule(name, { outlierDetection: { consecutive5xxErrors: 0, consecutiveGatewayErrors: 0, maxEjectionPercent: 0 } }),
    ],
    async check({ call, host, lab }) {
      for (let i = 0; i < 20; i++) assert.equal((await call("/", { do: "500" })).status, 500);
      const stats = await lab.envoys.get("client")?.admin(`/stats?filter=${host}.*ejections_enforced_total$`);
      assert.match(stats ?? "", /: 0\n/);
    },
  },
];

describeCases("defaults", "default", CASES);
