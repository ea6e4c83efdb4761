// The thread of one handler of an adapter. What it needs of the service it asks by messages.
import { getHeapStatistics } from "node:v8";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { XebecError } from "@xebec/core-errors";
import type { Adapter, AdapterHost, HandlerContext, SharedEntry, Workload } from "@xebec/mixer-sdk";
import { adapterHost } from "@xebec/mixer-sdk";
import { ManualClock } from "@xebec/mixer-sdk/testkit";
import { JSON_PARAMS } from "@xebec/mixer-wire";
import { AdapterCalls } from "./adapter-calls.ts";
import type { Asked, FromWorker, TableRequest, ToWorker, WorkerData } from "./worker-protocol.ts";

const BEAT_MS = 100;
/** How long an answer of the service may take, in milliseconds. */
const ANSWER_MS = 5_000;

const port = parentPort;
if (!port) throw new Error("this module is the thread of an adapter, not a program");
const data = workerData as WorkerData;
const say = (message: FromWorker): void => port.postMessage(message);

const answered = new Int32Array(data.answered);
function ask(what: Asked, argument = ""): unknown {
  Atomics.store(answered, 0, 0);
  say({ kind: "ask", what, argument });
  if (Atomics.wait(answered, 0, 0, ANSWER_MS) === "timed-out") throw new Error("the service does not answer");
  const { value, error } = (receiveMessageOnPort(data.answers)?.message ?? {}) as { value?: unknown; error?: string };
  if (error !== undefined) throw new Error(error);
  return value;
}

const waiting = new Map<number, PromiseWithResolvers<unknown>>();
let requests = 0;
function request(asked: TableRequest): Promise<unknown> {
  const answer = Promise.withResolvers<unknown>();
  waiting.set(++requests, answer);
  say({ kind: "request", id: requests, ...asked });
  return answer.promise;
}

const refuse = (what: string) => (): never => {
  throw new Error(`an adapter in a worker ${what}; run it in the process`);
};
const host: AdapterHost = adapterHost({
  limits: {
    addressRefusal: (address) => ask("address", address) as string | undefined,
    fileRefusal: (path) => ask("file", path) as string | undefined,
    get directories() {
      return ask("directories") as readonly string[];
    },
  },
  workloads: {
    byIp: (ip) => ask("podOfIp", ip) as Workload | undefined,
    byUid: (uid) => ask("podOfUid", uid) as Workload | undefined,
  },
  shared: (table) => ({
    get: (key) => request({ what: "get", table, key }) as Promise<SharedEntry | undefined>,
    put: (key, value, revision, ttlMs) =>
      request({ what: "put", table, key, value, revision, ttlMs }) as Promise<number | undefined>,
  }),
  serve: refuse("serves no pages"),
  deliver: refuse("has no queue to remote sinks"),
});

const clock = data.now === undefined ? undefined : new ManualClock(data.now);
const log = (level: "debug" | "info" | "warn" | "error") => (fields: object, text: string) =>
  say({ kind: "log", level, fields: plain(fields), text });
const context: Partial<HandlerContext> = {
  log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  metrics: {
    add: (name, by = 1) => say({ kind: "metric", what: "add", name: declared(name, "counter"), value: by }),
    set: (name, value) => say({ kind: "metric", what: "set", name: declared(name, "gauge"), value }),
  },
  health: (state, why) => say({ kind: "health", state, why }),
  secrets: { read: (path) => ask("secret", path) as string },
};

const adapter = await load();
const calls = new AdapterCalls(adapter, { ...(clock ? { clock } : {}), contextOf: () => context });
let running = 0;
let beating: NodeJS.Timeout | undefined;
port.on("message", (message: ToWorker) => void take(message));
say({ kind: "ready" });

async function load(): Promise<Adapter> {
  if (data.module !== undefined) {
    const { loadAdapterPackage } = await import("@xebec/mixer-loader/load");
    return (await loadAdapterPackage(data.module)).module.createAdapter(host);
  }
  const { moduleOf } = await import("@xebec/mixer-catalogue");
  return (await moduleOf(data.adapter)).createAdapter(host);
}

async function take(message: ToWorker): Promise<void> {
  if (message.kind === "answer") {
    const { id, value, error } = message;
    if (error) waiting.get(id)?.reject(new XebecError("unavailable", error.message));
    else waiting.get(id)?.resolve(value);
    waiting.delete(id);
    return;
  }
  begin();
  try {
    const bytes = await work(message);
    say({ kind: "done", id: message.id, ...(bytes ? { bytes } : {}) });
  } catch (thrown) {
    const { code, message: text } = XebecError.from(thrown);
    say({ kind: "done", id: message.id, error: { code, message: text } });
  } finally {
    end();
  }
}

async function work(message: Exclude<ToWorker, { readonly kind: "answer" }>): Promise<Uint8Array | undefined> {
  if (message.kind === "call") return calls.call(message.path, message.bytes);
  if (message.kind === "prepare") await calls.prepare({ typeUrl: JSON_PARAMS, value: message.bytes });
  else if (message.kind === "advance") clock?.advance(message.ms);
  else await calls.close();
  return undefined;
}

/** While something is under way the service sees that this thread is not blocked. */
function begin(): void {
  running++;
  const beat = new Int32Array(data.beat);
  Atomics.add(beat, 0, 1);
  beating ??= setInterval(() => {
    Atomics.add(beat, 0, 1);
    const used = getHeapStatistics().external_memory;
    if (used > data.externalBytes)
      throw new Error(`the adapter holds ${used} bytes of buffers; it may have ${data.externalBytes}`);
  }, BEAT_MS);
}

function end(): void {
  if (--running > 0) return;
  clearInterval(beating);
  beating = undefined;
}

function declared(name: string, type: "counter" | "gauge"): string {
  if (adapter.metrics?.[name]?.type !== type)
    throw new TypeError(`the adapter ${adapter.name} declares no ${type} ${name}`);
  return name;
}

/** What a message can carry of the fields of a log. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? { type: value.name, message: value.message } : JSON.parse(JSON.stringify(value ?? null)),
    ]),
  );
}
