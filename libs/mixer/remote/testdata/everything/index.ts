// An adapter with a template of each variety, which can also misbehave.
import { defineAdapter, defineTemplate, field, formatIp, int32, message, string } from "@xebec/mixer-sdk";

const probe = defineTemplate({
  name: "probe",
  variety: "check",
  fields: {
    size: "INT64",
    ratio: "DOUBLE",
    ok: "BOOL",
    ip: "IP_ADDRESS",
    at: "TIMESTAMP",
    took: "DURATION",
    labels: "STRING_MAP",
    any: "ANY",
    values: ["ANY"],
    inner: { uri: "URI", host: "DNS_NAME" },
  },
  output: { answer: "STRING", count: "INT64", where: "IP_ADDRESS", tags: "STRING_MAP" },
});
const lookup = defineTemplate({
  name: "lookup",
  variety: "attributes",
  fields: { key: "STRING" },
  output: { found: "STRING", number: "INT64", since: "DURATION" },
});

export default defineAdapter({
  name: "everything",
  description: "does everything, also what it should not",
  templates: [probe, lookup, "quota", "metric"],
  config: message("everything.Params", {
    file: field(string(), "A secret."),
    limit: field(int32({ minimum: 0 }), "What quotas grant in ten seconds."),
  }),
  defaults: { limit: 5 },
  metrics: { calls: { type: "counter", help: "Calls." }, size: { type: "gauge", help: "Instances of a report." } },
  worker: { memoryMb: 64, unresponsiveAfter: "2s" },
  create({ limit = 0, file }, { clock, handler, health, instances, log, metrics, secrets }) {
    if (limit === 13) throw new Error("13 brings no luck");
    let [left, most] = [limit, limit];
    const kept: unknown[] = [];
    const stop = clock.every(10_000, () => {
      left = most;
    });
    return {
      async check(instance) {
        metrics.add("calls");
        if (instance.name === "block") for (;;);
        if (instance.name === "leak")
          for (;;) {
            kept.push(Array.from({ length: 10_000 }, () => ({ at: kept.length })));
            await new Promise((resolve) => setImmediate(resolve));
          }
        if (instance.name === "buffers")
          for (;;) {
            kept.push(Buffer.alloc(8 << 20, 1));
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        if (instance.name === "exit") process.exit(3);
        if (instance.name === "later") setTimeout(() => void Promise.reject(new Error("nobody handles this")), 1);
        if (instance.name === "throw") throw new Error("no such luck");
        if (instance.name === "sick") health("failing", "it is not well");
        if (instance.name === "never") return new Promise(() => undefined);
        log.info({ handler }, "asked");
        const { name: _name, types, ...values } = instance;
        const shown = {
          ...values,
          ...(instance.ip ? { ip: formatIp(instance.ip) } : {}),
          ...(instance.labels ? { labels: [...instance.labels.entries()] } : {}),
        };
        return {
          code: instance.ok === false ? 7 : 0,
          message: JSON.stringify([shown, types], (_key, value) => (typeof value === "bigint" ? `${value}n` : value)),
          validMs: 1500.5,
          validUses: 3,
          ...(instance.ok === false ? { direct: { code: 418, body: "tea", headers: { "x-why": "so" } } } : {}),
          output: {
            answer: file === undefined ? handler : secrets.read(file),
            count: instances.length,
            ...(instance.ip ? { where: instance.ip } : {}),
            ...(instance.labels ? { tags: instance.labels } : {}),
          },
        };
      },
      attributes: ({ key }) => (key === "none" ? {} : { found: `of ${key}`, number: 2 ** 40, since: 1_500_000_000 }),
      quota(_instance, { amount, bestEffort, deduplicationId }) {
        if (deduplicationId === "fail") throw new Error("not counted");
        const granted = amount <= left ? amount : bestEffort ? left : 0;
        left -= granted;
        return { amount: granted, validMs: 10_000 };
      },
      report(batch) {
        metrics.set("size", batch.length);
      },
      reconfigure(next: { readonly limit?: number }) {
        if (next.limit === 99) return false;
        left += (next.limit ?? 0) - most;
        most = next.limit ?? 0;
        return true;
      },
      close: stop,
    };
  },
});
