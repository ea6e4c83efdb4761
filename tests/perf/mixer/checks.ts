import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { CheckRequestSchema as EnvoyCheckSchema } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { CompressedAttributesSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { CheckRequestSchema } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { createGrpcChannel } from "@xebec/platform-grpc";
import { freePorts } from "@xebec/testing-launch";
import { Server } from "../server.ts";
import { type Figure, percentile } from "../table.ts";
import { closedLoop, openLoop } from "../unary.ts";
import { startMixer } from "./mixer-server.ts";

const EMPTY = "/xebec.perf.Empty/Call";
const ENVOY = "/envoy.service.auth.v3.Authorization/Check";
const MIXER = "/istio.mixer.v1.Mixer/Check";
/** Seconds of one round, saturated. Rounds of all kinds alternate, so that a busy neighbour does not fall on one of them. */
const ROUND = 1.5;
const ROUNDS = 3;
const IN_FLIGHT = 64;
const RATE = 1_000;
const RATE_SECONDS = 5;

const socket = (address: string, port: number) => ({
  address: {
    address: {
      case: "socketAddress" as const,
      value: { address, portSpecifier: { case: "portValue" as const, value: port } },
    },
  },
});

/** What Envoy asks for a request to ratings. */
export function envoyCheck(n: number): Uint8Array {
  return toBinary(
    EnvoyCheckSchema,
    create(EnvoyCheckSchema, {
      attributes: {
        source: socket("10.1.0.3", 40_000),
        destination: socket("10.1.0.9", 9080),
        request: {
          http: {
            ...{ id: `${n}`, method: "GET", path: `/ratings/${n}`, host: "ratings:9080", scheme: "http" },
            protocol: "HTTP/1.1",
            headers: { ":path": `/ratings/${n}`, "x-request-id": `${n}`, "user-agent": "bench" },
          },
        },
        contextExtensions: {
          "context.reporter.kind": "inbound",
          "destination.service.host": "ratings.default.svc.cluster.local",
          "destination.service.name": "ratings",
          "destination.service.namespace": "default",
        },
      },
    }),
  );
}

/** What a client of Mixer's API asks. @param quota the quota that it takes one unit from */
export function mixerCheck(n: number, quota?: string): Uint8Array {
  const words = [
    ...["destination.service.host", "ratings.default.svc.cluster.local", "destination.namespace", "default"],
    ...["request.path", `/ratings/${n}`, "source.uid", "kubernetes://a.default"],
  ];
  const at = (text: string): number => -words.indexOf(text) - 1;
  const strings = Object.fromEntries(
    Array.from({ length: words.length / 2 }, (_, i) => [at(words[2 * i] as string), at(words[2 * i + 1] as string)]),
  );
  return toBinary(
    CheckRequestSchema,
    create(CheckRequestSchema, {
      attributes: create(CompressedAttributesSchema, { words, strings }),
      deduplicationId: `bench-${n}`,
      ...(quota === undefined ? {} : { quotas: { [quota]: { amount: 1n, bestEffort: true } } }),
    }),
  );
}

interface Kind {
  readonly what: string;
  readonly goal: string;
  readonly server: Server;
  readonly one: (n: number) => Promise<unknown>;
}

/** Checks beside an empty call of our server, all in one run: saturated, then at a fixed rate. */
export async function checkFigures(dir: string, folder: (name: string) => string): Promise<Figure[]> {
  const [port = 0, monitoring = 0] = await freePorts(2);
  const empty = await Server.run(
    "empty",
    [join(import.meta.dirname, "empty-server.ts"), String(port), String(monitoring)],
    `127.0.0.1:${monitoring}`,
    folder("empty.log"),
  );
  await using yardstick = empty;
  const { server: process, address } = await startMixer("mixer-policy", dir, folder("policy.log"));
  await using policy = process;
  const open = (to: string) => Array.from({ length: 4 }, () => createGrpcChannel({ address: to }));
  const channels = { empty: open(`127.0.0.1:${port}`), policy: open(address) };
  const call =
    (to: keyof typeof channels, path: string, request: (n: number) => Uint8Array) =>
    (n: number): Promise<unknown> =>
      (channels[to][n % 4] as (typeof channels.empty)[0]).unary(path, request(n));
  const nothing = new Uint8Array(0);
  const kinds: readonly Kind[] = [
    { what: "empty call", goal: "", server: yardstick, one: call("empty", EMPTY, () => nothing) },
    { what: "check by ext_authz", goal: "1.3 ×", server: policy, one: call("policy", ENVOY, envoyCheck) },
    { what: "check by Mixer's API", goal: "1.3 ×", server: policy, one: call("policy", MIXER, (n) => mixerCheck(n)) },
    {
      ...{ what: "the same with a quota", goal: "1.5 ×", server: policy },
      one: call("policy", MIXER, (n) => mixerCheck(n, "bench")),
    },
  ];
  const spent = kinds.map(() => ({ calls: 0, cpu: 0, seconds: 0 }));
  for (const { one } of kinds) await closedLoop(IN_FLIGHT, 1, one);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, { server, one }] of kinds.entries()) {
      const before = server.cpuMs;
      const { count, rate } = await closedLoop(IN_FLIGHT, ROUND, one);
      const sum = spent[i] as (typeof spent)[0];
      sum.cpu += server.cpuMs - before;
      sum.calls += count;
      sum.seconds += count / rate;
    }
  const each = (i: number): number => ((spent[i]?.cpu ?? 0) * 1000) / (spent[i]?.calls ?? 1);
  const saturated = kinds.map(({ what, goal }, i): Figure => {
    const { calls, seconds } = spent[i] as (typeof spent)[0];
    return {
      what: `${what}, ${IN_FLIGHT} in flight`,
      value: `${(calls / seconds).toFixed(0)}/s`,
      cpu: `${each(i).toFixed(0)} µs each, ${(each(i) / each(0)).toFixed(2)} × an empty call`,
      goal,
    };
  });
  const steady: Figure[] = [];
  for (const { what, server, one } of kinds) {
    const before = server.cpuMs;
    const { count, latencies, failed, late } = await openLoop(RATE, RATE_SECONDS, one);
    const cpu = server.cpuMs - before;
    steady.push({
      what: `${what}, ${RATE}/s`,
      value: `p50 ${percentile(latencies, 50).toFixed(1)} ms, p99 ${percentile(latencies, 99).toFixed(1)} ms, the load itself late by up to ${late.toFixed(0)} ms${failed > 0 ? `, ${failed} failed` : ""}; ${(server.rssKib / 1024).toFixed(0)} MiB resident`,
      cpu: `${((cpu * 1000) / count).toFixed(0)} µs each`,
      goal: "p99 5 ms, 150 MiB",
    });
  }
  for (const channel of [...channels.empty, ...channels.policy]) channel.close();
  return [...saturated, ...steady];
}
