import type { MessagePort } from "node:worker_threads";
import type { HealthState } from "@xebec/mixer-sdk";

/** What a worker that runs one handler of an adapter is started with. */
export interface WorkerData {
  /** The adapter's name, for one of the catalogue. */
  readonly adapter: string;
  /** Its module, for one from outside. */
  readonly module?: string | undefined;
  /** The time at which a clock begins that moves only by `advance`; absent: the machine's clock. */
  readonly now?: number | undefined;
  /** Grows while the worker's thread is free and a call is under way. */
  readonly beat: SharedArrayBuffer;
  /** 1 when the answer to an `ask` is at `answers`. */
  readonly answered: SharedArrayBuffer;
  readonly answers: MessagePort;
  /** Most bytes outside of the heap (buffers), which the limits of threads do not count. */
  readonly externalBytes: number;
}

export interface WorkerError {
  readonly code: string;
  readonly message: string;
}

/** To the worker. */
export type ToWorker =
  | { readonly kind: "call"; readonly id: number; readonly path: string; readonly bytes: Uint8Array }
  /** Makes the handler of these parameters. */
  | { readonly kind: "prepare"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "advance"; readonly id: number; readonly ms: number }
  | { readonly kind: "close"; readonly id: number }
  /** The answer to a `request`. */
  | { readonly kind: "answer"; readonly id: number; readonly value?: unknown; readonly error?: WorkerError };

/** From the worker. */
export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly id: number; readonly bytes?: Uint8Array; readonly error?: WorkerError }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly text: string;
    }
  | { readonly kind: "metric"; readonly what: "add" | "set"; readonly name: string; readonly value: number }
  | { readonly kind: "health"; readonly state: HealthState; readonly why?: string | undefined }
  /** A question whose answer the worker's thread waits for. */
  | { readonly kind: "ask"; readonly what: Asked; readonly argument: string }
  /** A question whose answer comes when it comes. */
  | ({ readonly kind: "request"; readonly id: number } & TableRequest);

/** To a table that all replicas share. */
export type TableRequest =
  | { readonly what: "get"; readonly table: string; readonly key: string }
  | {
      readonly what: "put";
      readonly table: string;
      readonly key: string;
      readonly value: Uint8Array;
      readonly revision: number;
      readonly ttlMs: number;
    };

export type Asked = "secret" | "address" | "file" | "directories" | "podOfIp" | "podOfUid";

/** The module of the worker's thread: beside the bundle that this one is part of, or the source. */
export function workerEntry(): URL {
  const own = import.meta.url;
  return own.endsWith(".mjs") ? new URL("./adapter-worker-main.mjs", own) : new URL("./worker-main.ts", own);
}
