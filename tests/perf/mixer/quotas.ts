import { createAdapter as natsquota } from "@xebec/mixer-adapters-natsquota";
import { createAdapter as redisquota } from "@xebec/mixer-adapters-redisquota";
import { NO_REACH, type QuotaInstance, type QuotaResult } from "@xebec/mixer-sdk";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { createNatsBus } from "@xebec/platform-bus";
import { redisMissing, startNatsServer, startRedisServer } from "@xebec/testing-launch";
import { type Figure, percentile } from "../table.ts";
import { closedLoop } from "../unary.ts";

const INSTANCE: QuotaInstance = { name: "q.quota.default", types: {} };
const QUOTA = { name: INSTANCE.name, maxAmount: 1_000_000_000, validDuration: "600s" };
const SECONDS = 2;
const IN_FLIGHT = 16;

type Handlers = readonly Awaited<ReturnType<typeof startHandler>>[];

async function figure(what: string, handlers: Handlers): Promise<Figure> {
  let ids = 0;
  let failed = 0;
  const ask = async (n: number): Promise<void> => {
    const args = { amount: 1, bestEffort: false, deduplicationId: `${ids++}` };
    const granted = (handlers[n % handlers.length] as Handlers[0]).quota?.(INSTANCE, args) as Promise<QuotaResult>;
    if ((await granted).amount !== 1) failed++;
  };
  await closedLoop(IN_FLIGHT, 0.5, ask);
  failed = 0;
  const before = process.cpuUsage();
  const { count, rate, latencies } = await closedLoop(IN_FLIGHT, SECONDS, ask);
  const { user, system } = process.cpuUsage(before);
  return {
    what: `${what}, ${handlers.length} replica${handlers.length === 1 ? "" : "s"}, one counter, ${IN_FLIGHT} in flight`,
    value: `${rate.toFixed(0)}/s, p50 ${percentile(latencies, 50).toFixed(1)} ms, p99 ${percentile(latencies, 99).toFixed(1)} ms${failed > 0 ? `, ${failed} not granted` : ""}`,
    cpu: `${((user + system) / count).toFixed(0)} µs each`,
    goal: "",
  };
}

/** One counter that replicas share: how fast they count together. The replicas are handlers with connections of their own in this process. */
export async function quotaFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const replicas of [1, 4]) {
    await using nats = await startNatsServer();
    const never = new AbortController().signal;
    const buses = Array.from({ length: replicas }, (_, i) =>
      createNatsBus({ servers: [nats.address], name: `mixer-policy-${i}` }),
    );
    await Promise.all(buses.map((each) => each.start(never)));
    const handlers = await Promise.all(
      buses.map((bus) => startHandler(natsquota({ shared: (name) => bus.table(name) }), { quotas: [QUOTA] })),
    );
    figures.push(await figure("natsquota", handlers));
    await Promise.all([...handlers.map((each) => each.close?.()), ...buses.map((each) => each.close?.())]);
  }
  const missing = redisMissing();
  if (missing) return [...figures, { what: "redisquota", value: `not measured: ${missing}`, cpu: "", goal: "" }];
  for (const replicas of [1, 4]) {
    await using redis = await startRedisServer();
    const params = { quotas: [QUOTA], redisServerUrl: redis.address };
    const handlers = await Promise.all(
      Array.from({ length: replicas }, () =>
        startHandler(redisquota({ limits: { ...NO_REACH, addressRefusal: () => undefined } }), params),
      ),
    );
    figures.push(await figure("redisquota", handlers));
    await Promise.all(handlers.map((each) => each.close?.()));
  }
  return figures;
}
