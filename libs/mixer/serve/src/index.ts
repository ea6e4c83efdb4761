export { AdapterCalls, type CallOptions, type ServedContext } from "./adapter-calls.ts";
export { adapterComponent } from "./component.ts";
export type { HandlerParams } from "./handler-params.ts";
export { type ServedAdapter, type ServeOptions, serveAdapter } from "./serve.ts";
export { type FromWorker, type ToWorker, type WorkerData, workerEntry } from "./worker-protocol.ts";
