import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Bus } from "./bus.ts";
import { MemoryKeyValue } from "./memory-key-value.ts";
import { MemorySharedTable } from "./memory-shared-table.ts";
import { subjectMatches } from "./subject.ts";
import type { Responder } from "./subscription.ts";

const log = logger("bus");

interface Subscriber {
  readonly kind: "message" | "request";
  readonly subject: string;
  readonly handler: (data: Uint8Array, subject: string) => unknown;
  readonly group?: string | undefined;
}

/** Makes the bus of one process: for the istiod app, for a component alone, for tests. It holds nothing after the process. */
export function createMemoryBus(): Bus {
  const buckets = new Map<string, MemoryKeyValue>();
  const tables = new Map<string, MemorySharedTable>();
  const subscribers = new Set<Subscriber>();
  const matching = (subject: string, kind: Subscriber["kind"]): Subscriber[] =>
    [...subscribers].filter((each) => each.kind === kind && subjectMatches(each.subject, subject));
  /** Of each group one, another one each time. */
  let turn = 0;
  const asked = (subject: string): Subscriber[] => {
    const all = matching(subject, "request");
    const groups = Map.groupBy(all, ({ group }) => group);
    const alone = groups.get(undefined) ?? [];
    groups.delete(undefined);
    turn++;
    return [...alone, ...[...groups.values()].flatMap((each) => each[turn % each.length] ?? [])];
  };
  const add = (subscriber: Subscriber): Responder => {
    subscribers.add(subscriber);
    const close = (): void => void subscribers.delete(subscriber);
    return { close, drain: async () => close() };
  };

  return {
    name: "memory bus",
    connected: true,
    start: async () => {},
    async close() {
      subscribers.clear();
    },
    bucket(name) {
      let bucket = buckets.get(name);
      if (!bucket) {
        bucket = new MemoryKeyValue();
        buckets.set(name, bucket);
      }
      return bucket;
    },
    table(name) {
      let table = tables.get(name);
      if (!table) {
        table = new MemorySharedTable();
        tables.set(name, table);
      }
      return table;
    },
    publish(subject, data) {
      for (const { handler } of matching(subject, "message"))
        queueMicrotask(() => {
          try {
            handler(data, subject);
          } catch (error) {
            log.error({ err: error, subject }, "a handler failed");
          }
        });
    },
    subscribe: (subject, handler) => add({ kind: "message", subject, handler }),
    async requestAll(subject, data, { timeoutMs, failed }) {
      const responses = asked(subject).map((each) => inTime(responseOf(each, data, subject), timeoutMs, subject));
      const settled = await Promise.allSettled(responses);
      return settled.flatMap((each) => {
        if (each.status === "fulfilled") return [each.value];
        const error = XebecError.from(each.reason);
        // Nobody waits for the slow one, as on NATS.
        if (error.code === "deadline_exceeded") return [];
        log.warn({ err: error, subject }, "one responder answered a request with an error");
        failed?.(error);
        return [];
      });
    },
    async request(subject, data, { timeoutMs }) {
      const [first] = asked(subject);
      if (!first) throw new XebecError("unavailable", `nobody answers "${subject}" on the bus`);
      try {
        return await inTime(responseOf(first, data, subject), timeoutMs, subject);
      } catch (thrown) {
        throw XebecError.from(thrown);
      }
    },
    respond: (subject, handler, { group } = {}) => add({ kind: "request", subject, handler, group }),
  };
}

async function responseOf(responder: Subscriber, data: Uint8Array, subject: string): Promise<Uint8Array> {
  await Promise.resolve();
  return (await responder.handler(data, subject)) as Uint8Array;
}

async function inTime<T>(work: Promise<T>, timeoutMs: number, subject: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new XebecError("deadline_exceeded", `no response to "${subject}" within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
