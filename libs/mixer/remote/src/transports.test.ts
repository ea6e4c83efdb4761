import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { installAdapters, type LoadedAdapter, uninstallAdapters } from "@xebec/mixer-loader";
import {
  type Adapter,
  adapterHost,
  type CheckResult,
  type Handler,
  type HandlerContext,
  handlerContext,
  type Instance,
  stringMap,
  withDefaults,
} from "@xebec/mixer-sdk";
import { adapterComponent, serveAdapter } from "@xebec/mixer-serve";
import { type Bus, createBusKeys, createNatsBus, openBus, readSeed, renderAuthorization } from "@xebec/platform-bus";
import { type NatsServer, startNatsServer, type TempDir, tempDir } from "@xebec/testing-launch";
import { createRemoteFactory } from "./index.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("transports", () => {
  const FOLDER = new URL("../testdata/everything", import.meta.url).pathname;
  const LIMIT = { address: "", timeout: "60s" };

  let loaded: LoadedAdapter;
  let folder: TempDir;
  let nats: NatsServer;
  let bus: Bus;
  const ends: (() => unknown)[] = [];
  const adapters = new Map<string, Adapter>();

  before(async () => {
    [loaded] = (await installAdapters([FOLDER])) as [LoadedAdapter];
    folder = tempDir();
    const keys = await createBusKeys(folder.path);
    nats = await startNatsServer({ config: renderAuthorization(keys.publicKeys) });
    bus = createNatsBus({
      servers: [nats.address],
      name: "mixer-policy",
      seed: await readSeed(keys.seedFile("mixer-policy")),
    });
    await bus.start(new AbortController().signal);
    ends.push(() => bus.close?.());
    const served = await serveAdapter(loaded.module, {
      address: "127.0.0.1:0",
      bus: { servers: [nats.address], seedFile: keys.seedFile("adapter") },
    });
    ends.push(() => served.close());
    const { elsewhere } = createRemoteFactory({ service: "mixer-policy", bus });
    adapters.set("process", loaded.module.createAdapter(adapterHost()));
    adapters.set("grpc", elsewhere(loaded.info, { ...LIMIT, address: `127.0.0.1:${served.port}` }));
    adapters.set("bus", elsewhere(loaded.info, { ...LIMIT, address: "bus://everything" }));
    adapters.set("worker", elsewhere(loaded.info, { ...LIMIT, address: "worker://" }));
    await waitFor("the adapter answers on the bus", 10_000, async () => {
      const answer = await bus
        .request("adapters.everything", new Uint8Array(), { timeoutMs: 1000 })
        .catch((error) => error);
      return /has no method/.test((answer as Error).message);
    });
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
    uninstallAdapters([loaded]);
    await nats.close();
    folder.remove();
  });

  interface Opened extends Handler {
    check(instance: Instance, template: string): Promise<CheckResult>;
  }

  async function open(transport: string, params = {}, context: Partial<HandlerContext> = {}): Promise<Opened> {
    const adapter = adapters.get(transport) as Adapter;
    const config = withDefaults(adapter.config, adapter.defaults, params);
    const handler = await adapter.create(config as never, handlerContext({ handler: `h.${transport}`, ...context }));
    await handler.start?.();
    ends.push(() => handler.close?.());
    return handler as Opened;
  }

  const probe = (name: string, values: object = {}, types: Instance["types"] = {}): Instance =>
    ({ name, types, ...values }) as Instance;
  const FULL = probe(
    "i.probe.ns",
    {
      ...{ size: 2 ** 53 + 2, ratio: 0.5, ok: false, ip: Uint8Array.of(10, 0, 0, 1), took: 1_500_000_000 },
      ...{ at: { seconds: 1_700_000_000, nanos: 5 }, labels: stringMap([["app", "web"]]), any: "text" },
      values: {
        names: ["a", "b", "c"],
        types: ["INT64", "DURATION", "BOOL"],
        values: [-1, 7, true],
      },
      inner: { uri: "http://x/", host: "x.y" },
    },
    {
      ...{ size: "INT64", ratio: "DOUBLE", ok: "BOOL", ip: "IP_ADDRESS", took: "DURATION", at: "TIMESTAMP" },
      ...{ labels: "STRING_MAP", any: "STRING", "inner.uri": "URI", "inner.host": "DNS_NAME" },
    },
  );

  for (const transport of ["process", "grpc", "bus", "worker"])
    describe(`an adapter over ${transport}`, () => {
      it("gets what it would get in the process, and its answers come whole", async () => {
        const said: string[] = [];
        const handler = await open(transport, {}, { log: { ...SILENT, info: (_fields, text) => said.push(text) } });
        const { message, ...answer } = await handler.check(FULL, "probe");
        const [values, types] = JSON.parse(message) as [Record<string, unknown>, Record<string, string>];
        const sorted = (given: object): unknown => Object.fromEntries(Object.entries(given).sort());
        assert.deepEqual(sorted(types), sorted(FULL.types));
        assert.deepEqual(sorted(values), {
          ...{ any: "text", at: { nanos: 5, seconds: 1_700_000_000 }, inner: { host: "x.y", uri: "http://x/" } },
          ...{ ip: "10.0.0.1", labels: [["app", "web"]], ok: false, ratio: 0.5, took: 1_500_000_000 },
          // Beyond the numbers that JavaScript tells apart it comes as a bigint.
          size: transport === "process" ? 2 ** 53 + 2 : `${2n ** 53n + 2n}n`,
          values: { names: ["a", "b", "c"], types: ["INT64", "DURATION", "BOOL"], values: [-1, 7, true] },
        });
        const { output, ...rest } = answer as unknown as { output: Record<string, unknown> };
        assert.deepEqual(rest, {
          ...{ code: 7, validMs: 1500.5, validUses: 3, direct: { code: 418, body: "tea", headers: { "x-why": "so" } } },
        });
        const { tags, where, ...others } = output as { tags: Map<string, string>; where: Uint8Array };
        assert.deepEqual(
          [[...tags.entries()], [...where], others],
          [[["app", "web"]], [10, 0, 0, 1], { answer: `h.${transport}`, count: 0 }],
        );
        if (transport === "worker") await waitFor("its log", 2000, () => said.includes("asked"));
      });

      it("finds attributes, counts quotas, takes reports, and says why it fails", async () => {
        const sizes: number[] = [];
        const metrics = { add() {}, set: (_name: string, value: number) => void sizes.push(value) };
        const handler = await open(transport, { limit: 5 }, { handler: `q.${transport}`, metrics });
        const key = (text: string): Instance => probe("k.lookup.ns", { key: text }, { key: "STRING" });
        assert.deepEqual(await handler.attributes?.(key("a") as never, "lookup"), {
          ...{ found: "of a", number: 2 ** 40, since: 1_500_000_000 },
        });
        assert.deepEqual(await handler.attributes?.(key("none") as never, "lookup"), {});
        const ask = async (amount: number, bestEffort: boolean, deduplicationId = "") =>
          handler.quota?.(probe("q.quota.ns") as never, { amount, bestEffort, deduplicationId });
        assert.deepEqual(await ask(3, false), { amount: 3, validMs: 10_000 });
        assert.deepEqual(await ask(3, false), { amount: 0, validMs: 10_000 });
        assert.deepEqual(await ask(3, true), { amount: 2, validMs: 10_000 });
        await assert.rejects(ask(1, false, "fail"), /not counted/);
        await assert.rejects(handler.check(probe("throw"), "probe"), /no such luck/);
        await handler.report?.([probe("a.metric.ns"), probe("b.metric.ns")] as never, "metric");
        if (transport === "process" || transport === "worker") await waitFor("its metric", 2000, () => sizes[0] === 2);
      });

      it("takes a new configuration over: what it has counted goes on", async () => {
        const context = { handler: `r.${transport}` };
        const handler = await open(transport, { limit: 5 }, context);
        const ask = async (amount: number) =>
          (await handler.quota?.(probe("q.quota.ns") as never, { amount, bestEffort: true, deduplicationId: "" }))
            ?.amount;
        assert.equal(await ask(4), 4);
        assert.equal(await handler.reconfigure?.({ limit: 7 } as never, handlerContext(context)), true);
        assert.equal(await ask(10), 3);
        // One that the handler cannot take over makes another handler, which is for whoever runs it to do.
        const own = await handler.reconfigure?.({ limit: 99 } as never, handlerContext(context));
        assert.equal(own, transport !== "process");
        if (own) assert.equal(await ask(100), 99);
      });
    });

  const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

  describe("copies on the bus", () => {
    it("share the calls, and one goes on when the other ends", async (t) => {
      const seedFile = `${folder.path}/adapter.nk`;
      const flags = { busURL: [nats.address], busSeedFile: seedFile, busKeysFile: undefined };
      const counts = [createMetrics(), createMetrics()];
      const copies = await Promise.all(
        counts.map(async (metrics) => {
          const own = await openBus(flags, "adapter", metrics);
          const { component } = await adapterComponent(
            loaded.module,
            { bus: { servers: [], name: "twins" } },
            { metrics, bus: own },
          );
          await own.start(new AbortController().signal);
          t.after(() => own.close?.());
          await component.start(new AbortController().signal);
          return component;
        }),
      );
      const { elsewhere } = createRemoteFactory({ bus });
      const adapter = elsewhere(loaded.info, { address: "bus://twins", timeout: "60s" });
      const handler = (await adapter.create({} as never, handlerContext())) as Opened;
      const calls = async (): Promise<number[]> =>
        Promise.all(
          counts.map(async (each) => {
            const found = /mixer_adapter_calls\{.*\} (\d+)/.exec(await each.registry.metrics());
            return Number(found?.[1] ?? 0);
          }),
        );
      await waitFor("both have answered", 10_000, async () => {
        await handler.check(probe("a"), "probe").catch(() => undefined);
        return (await calls()).every((each) => each > 0);
      });
      await copies[0]?.close?.();
      for (let i = 0; i < 20; i++) await handler.check(probe("a"), "probe");
      await copies[1]?.close?.();
      await waitFor("nobody answers", 5000, async () => {
        const error = await handler.check(probe("a"), "probe").catch((thrown: Error) => thrown.message);
        return error === 'nobody answers "adapters.twins" on the bus';
      });
    });

    it("see nothing but their calls: the user `adapter` may neither ask nor read, and nobody else may answer", async () => {
      const seedFile = `${folder.path}/adapter.nk`;
      const own = await openBus(
        { busURL: [nats.address], busSeedFile: seedFile, busKeysFile: undefined },
        "adapter",
        createMetrics(),
      );
      await own.start(new AbortController().signal);
      await waitFor("the connection", 5000, () => own.connected);
      await assert.rejects(own.request("adapters.everything", new Uint8Array(), { timeoutMs: 1000 }), {
        code: "permission_denied",
      });
      await assert.rejects(own.table("quotas").get("a"));
      await own.close?.();
      const stranger = bus.respond("adapters.taken", () => new Uint8Array());
      await assert.rejects(bus.request("adapters.taken", new Uint8Array(), { timeoutMs: 1000 }), {
        code: "unavailable",
      });
      stranger.close();
    });
  });

  describe("a worker", () => {
    const states: string[] = [];
    const health: HandlerContext["health"] = (state, why) => void states.push(`${state} ${why ?? ""}`);
    const misbehaviours: [string, RegExp][] = [
      ["block", /has blocked its thread for 2000 ms/],
      ["leak", /needed more memory than the 64 MB/],
      ["buffers", /failed: the adapter holds \d+ bytes of buffers; it may have 67108864/],
      ["exit", /ended \(3\)/],
      ["later", /failed: nobody handles this/],
    ];
    for (const [name, pattern] of misbehaviours)
      it(`that would ${name} is ended, said so, and started again; this process goes on`, async () => {
        states.length = 0;
        const handler = await open("worker", {}, { handler: `w.${name}`, health });
        if (name === "later") await handler.check(probe(name), "probe").catch(() => undefined);
        else await assert.rejects(handler.check(probe(name), "probe"), pattern);
        await waitFor("its health", 60_000, () =>
          states.some((each) => pattern.test(each) && each.startsWith("failing")),
        );
        await waitFor("another one answers", 120_000, async () => {
          const answer = await handler.check(probe("fine"), "probe").catch(() => undefined);
          return answer?.code === 0;
        });
        assert.equal(states.at(-1), "ready ");
      });

    it("gets secrets and limits from the service, and refuses parameters at its start", async () => {
      const secrets = { read: (path: string) => `secret of ${path}` };
      const handler = await open("worker", { file: "/s" }, { secrets });
      const { output } = (await handler.check(probe("a"), "probe")) as unknown as { output: { answer: string } };
      assert.equal(output.answer, "secret of /s");
      await assert.rejects(open("worker", { limit: 13 }), /13 brings no luck/);
      await assert.rejects(open("worker", { limit: -1 }), /parameters are wrong: limit/);
    });

    it("that never answers fails its calls in time, and says its own health", async () => {
      states.length = 0;
      const { elsewhere } = createRemoteFactory();
      const adapter = elsewhere(loaded.info, { address: "worker://", timeout: "0.3s" });
      const handler = (await adapter.create({ limit: 1 } as never, handlerContext({ health }))) as Opened;
      await handler.start?.();
      await assert.rejects(handler.check(probe("never"), "probe"), /did not answer within 300 ms/);
      await handler.check(probe("sick"), "probe");
      await waitFor("its health", 2000, () => states.includes("failing it is not well"));
      await handler.close?.();
      await sleep(0);
      await assert.rejects(handler.check(probe("fine"), "probe"), /worker of the handler/);
    });
  });
});
