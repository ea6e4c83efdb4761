import { MessageChannel, Worker } from "node:worker_threads";
import { CODES, type Code, XebecError } from "@xebec/core-errors";
import type { AdapterHost, HandlerContext, WorkerSpec } from "@xebec/mixer-sdk";
import { durationMs } from "@xebec/mixer-sdk";
import { type FromWorker, type ToWorker, type WorkerData, workerEntry } from "@xebec/mixer-serve";
import type { Channel } from "./channel.ts";
import { answerAsked, answerRequest } from "./worker-host.ts";

/** Between two starts of a worker that ends again and again, in milliseconds. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** One that ran for so long did not fail because of its start. */
const SETTLED_MS = 60_000;
/** How long an adapter may take to load. */
const START_MS = 120_000;
const CLOSE_MS = 2_000;
/** How often is looked whether a thread that has calls is free. */
const LOOK_MS = 100;
const MEMORY_MB = 128;
const UNRESPONSIVE_MS = 5_000;

export interface WorkerChannelOptions {
  /** The adapter: its name, and its module where it comes from outside. */
  readonly adapter: Pick<WorkerData, "adapter" | "module">;
  readonly spec?: WorkerSpec | undefined;
  readonly context: HandlerContext;
  /** What the adapter may use of the process, as far as it can from a thread of its own. */
  readonly host: AdapterHost;
  readonly timeoutMs: number;
  /** A clock that moves only by `advance` begins here. */
  readonly now?: number | undefined;
}

/** A channel whose adapter's clock may be moved. */
export interface WorkerChannel extends Channel {
  advance(ms: number): Promise<void>;
}

type Pending = PromiseWithResolvers<Uint8Array> & { readonly timer: NodeJS.Timeout };
type Asking =
  Exclude<ToWorker, { readonly kind: "answer" }> extends infer M ? (M extends ToWorker ? Omit<M, "id"> : never) : never;

/**
 * One handler in a thread of its own. The thread is ended when it blocks, when it needs more memory than it may have, and when an error
 * stays without a handler; its calls fail then, and another one is started after a pause that grows.
 */
export function openWorkerChannel(options: WorkerChannelOptions): WorkerChannel {
  return new OwnThread(options);
}

class OwnThread implements WorkerChannel {
  readonly #options: WorkerChannelOptions;
  readonly #pending = new Map<number, Pending>();
  #prepared: Uint8Array | undefined;
  #worker: Worker | undefined;
  #ready: Promise<void> = Promise.resolve();
  #beat = new Int32Array(new SharedArrayBuffer(4));
  #lastBeat = 0;
  #looks = 0;
  #looker: NodeJS.Timeout | undefined;
  #ids = 0;
  #pauseMs = 0;
  #why: string | undefined;
  #restart: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WorkerChannelOptions) {
    this.#options = options;
  }

  async start(params?: Uint8Array): Promise<void> {
    this.#prepared = params;
    this.#ready = this.#spawn();
    await this.#ready;
  }

  async call(path: string, bytes: Uint8Array): Promise<Uint8Array> {
    return this.#ask({ kind: "call", path, bytes }, this.#options.timeoutMs);
  }

  async advance(ms: number): Promise<void> {
    await this.#ask({ kind: "advance", ms }, this.#options.timeoutMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (!worker) return;
    await this.#ask({ kind: "close" }, CLOSE_MS).catch(() => undefined);
    this.#worker = undefined;
    this.#fail("was closed");
    await worker.terminate();
  }

  async #spawn(): Promise<void> {
    const { adapter, spec, now } = this.#options;
    const answers = new MessageChannel();
    const answered = new SharedArrayBuffer(4);
    const beat = new SharedArrayBuffer(4);
    const megabytes = spec?.memoryMb ?? MEMORY_MB;
    const data: WorkerData = {
      ...{ ...adapter, now, beat, answered, answers: answers.port2, externalBytes: megabytes << 20 },
    };
    const worker = new Worker(workerEntry(), {
      name: `adapter ${adapter.adapter}`,
      workerData: data,
      transferList: [answers.port2],
      resourceLimits: { maxOldGenerationSizeMb: megabytes },
    });
    worker.unref();
    this.#worker = worker;
    this.#beat = new Int32Array(beat);
    const begun = performance.now();
    const ready = Promise.withResolvers<void>();
    const late = setTimeout(() => end("did not load its adapter in time"), START_MS);
    let ended = false;
    const end = (why: string): void => {
      if (ended) return;
      ended = true;
      clearTimeout(late);
      answers.port1.close();
      void worker.terminate();
      ready.reject(new XebecError("unavailable", `the worker ${why}`));
      if (this.#worker === worker) this.#lost(why, performance.now() - begun);
    };
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "ready") {
        clearTimeout(late);
        ready.resolve();
      } else
        this.#take(message, worker, (answer) => {
          answers.port1.postMessage(answer);
          Atomics.store(new Int32Array(answered), 0, 1);
          Atomics.notify(new Int32Array(answered), 0);
        });
    });
    worker.on("error", (error: NodeJS.ErrnoException) =>
      end(
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? `needed more memory than the ${megabytes} MB that it may have`
          : `failed: ${error.message}`,
      ),
    );
    worker.on("exit", (code) => end(`ended (${code})`));
    this.#end = end;
    await ready.promise;
    const params = this.#prepared;
    if (params) await this.#send(worker, { kind: "prepare", bytes: params }, START_MS);
    if (this.#why !== undefined) this.#options.context.health("ready");
    this.#why = undefined;
  }

  #end: (why: string) => void = () => undefined;

  #lost(why: string, ranMs: number): void {
    this.#worker = undefined;
    this.#why = why;
    this.#fail(why);
    if (this.#closed) return;
    const { context } = this.#options;
    this.#pauseMs = ranMs > SETTLED_MS ? 0 : this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, this.#pauseMs * 2));
    context.log.warn(
      { handler: context.handler, why, pauseMs: this.#pauseMs },
      "the worker of a handler is started again",
    );
    context.health("failing", `its worker ${why}`);
    this.#restart = setTimeout(() => {
      this.#ready = this.#spawn();
      // Said by `#lost`, or by the handler that cannot be made.
      this.#ready.catch((error: unknown) => this.#end((error as Error).message));
    }, this.#pauseMs);
    this.#restart.unref();
  }

  #fail(why: string): void {
    const { handler } = this.#options.context;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new XebecError("unavailable", `the worker of the handler ${handler} ${why}`));
    }
    this.#pending.clear();
    this.#watch();
  }

  async #ask(message: Asking, timeoutMs: number): Promise<Uint8Array> {
    const worker = this.#worker;
    const { handler } = this.#options.context;
    if (!worker)
      throw new XebecError(
        "unavailable",
        `the worker of the handler ${handler} ${this.#why ?? "was not started"}; it is started again`,
      );
    await this.#ready;
    return this.#send(worker, message, timeoutMs);
  }

  #send(worker: Worker, message: Asking, timeoutMs: number): Promise<Uint8Array> {
    const id = ++this.#ids;
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      this.#watch();
      answer.reject(new XebecError("deadline_exceeded", `the adapter did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
    timer.unref();
    const answer = Object.assign(Promise.withResolvers<Uint8Array>(), { timer });
    this.#pending.set(id, answer);
    worker.ref();
    this.#watch();
    worker.postMessage({ ...message, id } satisfies ToWorker);
    return answer.promise;
  }

  /** While calls are under way, looks whether the thread is free. Counted in looks, so that a pause of this process is none of the thread. */
  #watch(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#looker);
      this.#looker = undefined;
      this.#worker?.unref();
      return;
    }
    if (this.#looker) return;
    const most = durationMs(this.#options.spec?.unresponsiveAfter ?? `${UNRESPONSIVE_MS}ms`);
    this.#looks = 0;
    this.#looker = setInterval(() => {
      const beat = Atomics.load(this.#beat, 0);
      this.#looks = beat === this.#lastBeat ? this.#looks + 1 : 0;
      this.#lastBeat = beat;
      if (this.#looks * LOOK_MS >= most) this.#end(`has blocked its thread for ${most} ms`);
    }, LOOK_MS);
  }

  #take(message: FromWorker, worker: Worker, answer: (value: object) => void): void {
    const { context, host } = this.#options;
    switch (message.kind) {
      case "done": {
        const { id, bytes, error } = message;
        const pending = this.#pending.get(id);
        if (!pending) return;
        this.#pending.delete(id);
        clearTimeout(pending.timer);
        this.#watch();
        if (error) pending.reject(errorOf(error));
        else pending.resolve(bytes ?? new Uint8Array());
        return;
      }
      case "log":
        context.log[message.level](message.fields, message.text);
        return;
      case "metric":
        context.metrics[message.what](message.name, message.value);
        return;
      case "health":
        context.health(message.state, message.why);
        return;
      case "ask":
        answer(answerAsked(message, context, host));
        return;
      case "request": {
        const { id } = message;
        const say = (said: object): void => worker.postMessage({ kind: "answer", id, ...said });
        // Its rights are those of the service.
        Promise.resolve()
          .then(() => answerRequest(message, host))
          .then(
            (value) => say({ value }),
            (error: unknown) => say({ error: { code: "unavailable", message: (error as Error).message } }),
          );
        return;
      }
      default:
    }
  }
}

function errorOf({ code, message }: { readonly code: string; readonly message: string }): XebecError {
  return new XebecError(Object.hasOwn(CODES, code) ? (code as Code) : "unknown", message);
}
