import { randomUUID } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Bus, KeyValue, KeyValueWatcher, Subscription, WorkQueue } from "./bus.ts";
import { checkKey } from "./key-codec.ts";
import { subjectMatches } from "./subject.ts";

const log = logger("bus");
const MAX_TRIES = 5;
const CONFIRM_MS = 1_000;
const MAX_QUEUED = 10_000;

/** Makes the bus of one process: for the istiod app, for a component alone, for tests. It holds nothing after the process. */
export function createMemoryBus(): Bus {
  const buckets = new Map<string, MemoryKeyValue>();
  const queues = new Map<string, MemoryQueue>();
  const subscribers = new Set<Subscriber>();
  const closed = new AbortController();

  const matching = (subject: string, kind: Subscriber["kind"]): Subscriber[] => {
    const all = [...subscribers].filter((each) => each.kind === kind && subjectMatches(each.subject, subject));
    const groups = new Map<string, Subscriber[]>();
    for (const each of all)
      if (each.queue !== undefined) groups.set(each.queue, [...(groups.get(each.queue) ?? []), each]);
    const chosen = [...groups.values()].map((group) => group[Math.floor(Math.random() * group.length)] as Subscriber);
    return [...all.filter((each) => each.queue === undefined), ...chosen];
  };
  const add = (subscriber: Subscriber): Subscription => {
    subscribers.add(subscriber);
    return { close: () => void subscribers.delete(subscriber) };
  };

  return {
    name: "memory bus",
    connected: true,
    start: async () => {},
    async close() {
      closed.abort();
      subscribers.clear();
    },
    bucket: (name) => found(buckets, name, () => new MemoryKeyValue()),
    publish(subject, data) {
      for (const each of matching(subject, "message"))
        queueMicrotask(() => guarded(`handler of ${subject}`, () => each.handler(data, subject)));
    },
    subscribe: (subject, handler, options = {}) => add({ kind: "message", subject, handler, queue: options.queue }),
    async request(subject, data, { timeoutMs }) {
      const [first] = matching(subject, "request");
      if (!first) throw new XebecError("unavailable", `nobody answers "${subject}" on the bus`);
      return inTime(answerOf(first, data, subject), timeoutMs, subject);
    },
    async requestAll(subject, data, { timeoutMs, failed }) {
      const answers = matching(subject, "request").map((each) =>
        inTime(answerOf(each, data, subject), timeoutMs, subject),
      );
      const settled = await Promise.allSettled(answers);
      return settled.flatMap((each) => {
        if (each.status === "fulfilled") return [each.value];
        const fault = XebecError.from(each.reason);
        // Nobody waits for the slow one, as on NATS.
        if (fault.code === "deadline_exceeded") return [];
        log.warn({ err: fault, subject }, "one of those that were asked answered with an error");
        failed?.(fault);
        return [];
      });
    },
    respond: (subject, handler, options = {}) => add({ kind: "request", subject, handler, queue: options.queue }),
    workQueue: (name) => found(queues, name, () => new MemoryQueue(name, closed.signal)),
  };
}

interface Subscriber {
  readonly kind: "message" | "request";
  readonly subject: string;
  readonly queue: string | undefined;
  readonly handler: (data: Uint8Array, subject: string) => unknown;
}

function found<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known) return known;
  const made = make();
  map.set(key, made);
  return made;
}

async function answerOf(responder: Subscriber, data: Uint8Array, subject: string): Promise<Uint8Array> {
  await Promise.resolve();
  return (await responder.handler(data, subject)) as Uint8Array;
}

async function inTime<T>(work: Promise<T>, timeoutMs: number, subject: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new XebecError("deadline_exceeded", `no answer to "${subject}" within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw XebecError.from(error);
  } finally {
    clearTimeout(timer);
  }
}

function guarded(what: string, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    log.error({ err: error }, `${what} failed`);
  }
}

class MemoryKeyValue implements KeyValue {
  readonly #incarnation = randomUUID();
  readonly #values = new Map<string, Uint8Array>();
  readonly #watches = new Set<{ dirty: Set<string>; flush(): void }>();

  async put(key: string, value: Uint8Array): Promise<void> {
    checkKey(key);
    this.#values.set(key, value);
    this.#changed(key);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    if (this.#values.delete(key)) this.#changed(key);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    return this.#values.get(key);
  }

  keep(): void {}

  watch(watcher: KeyValueWatcher) {
    let synced = false;
    let due = false;
    const watch = {
      dirty: new Set(this.#values.keys()),
      flush: (): void => {
        if (due) return;
        due = true;
        queueMicrotask(() => {
          due = false;
          if (!this.#watches.has(watch)) return;
          const keys = [...watch.dirty];
          watch.dirty.clear();
          for (const key of keys) guarded("a watcher", () => watcher.entry(key, this.#values.get(key)));
          if (!synced) guarded("a watcher", () => watcher.synced(this.#incarnation));
          synced = true;
          guarded("a watcher", () => watcher.confirmed?.());
        });
      },
    };
    this.#watches.add(watch);
    watch.flush();
    const confirm = setInterval(() => guarded("a watcher", () => watcher.confirmed?.()), CONFIRM_MS);
    confirm.unref();
    return {
      close: () => {
        clearInterval(confirm);
        this.#watches.delete(watch);
      },
      refresh: () => {
        for (const key of this.#values.keys()) watch.dirty.add(key);
        watch.flush();
      },
    };
  }

  #changed(key: string): void {
    for (const watch of this.#watches) {
      // At the end, so that the order of the last changes is kept: a commit comes after what it commits.
      watch.dirty.delete(key);
      watch.dirty.add(key);
      watch.flush();
    }
  }
}

class MemoryQueue implements WorkQueue {
  readonly #name: string;
  readonly #closed: AbortSignal;
  readonly #items: { data: Uint8Array; tries: number }[] = [];
  readonly #workers: { free: number; handler: (data: Uint8Array) => Promise<void> }[] = [];

  constructor(name: string, closed: AbortSignal) {
    this.#name = name;
    this.#closed = closed;
  }

  async add(data: Uint8Array): Promise<void> {
    if (this.#items.length >= MAX_QUEUED)
      throw new XebecError("resource_exhausted", `the work queue ${this.#name} is full`);
    this.#items.push({ data, tries: 0 });
    this.#next();
  }

  work(handler: (data: Uint8Array) => Promise<void>, { concurrency = 1 }: { concurrency?: number } = {}): Subscription {
    const worker = { free: concurrency, handler };
    this.#workers.push(worker);
    this.#next();
    return {
      close: () => {
        worker.free = Number.NEGATIVE_INFINITY;
      },
    };
  }

  #next(): void {
    for (const worker of this.#workers)
      while (worker.free > 0 && this.#items.length > 0 && !this.#closed.aborted) {
        const item = this.#items.shift();
        if (!item) return;
        worker.free--;
        item.tries++;
        worker
          .handler(item.data)
          .catch((error: unknown) => {
            log.warn({ err: error, queue: this.#name, tries: item.tries }, "an item of work failed");
            if (item.tries < MAX_TRIES) this.#items.push(item);
          })
          .finally(() => {
            worker.free++;
            this.#next();
          });
      }
  }
}
