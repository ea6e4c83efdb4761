import type { AdapterHost, HandlerContext } from "@xebec/mixer-sdk";
import type { FromWorker } from "@xebec/mixer-serve";

type Request = Extract<FromWorker, { readonly kind: "request" }>;
type Ask = Extract<FromWorker, { readonly kind: "ask" }>;

/** Answers what a worker's thread waits for: the same as a handler in the process would get, with the same limits. */
export function answerAsked(
  { what, argument }: Ask,
  { secrets }: HandlerContext,
  { limits, workloads }: AdapterHost,
): { readonly value?: unknown; readonly error?: string } {
  try {
    if (what === "secret") return { value: secrets.read(argument) };
    if (what === "address") return { value: limits.addressRefusal(argument) };
    if (what === "file") return { value: limits.fileRefusal(argument) };
    if (what === "directories") return { value: limits.directories };
    return { value: what === "podOfIp" ? workloads.byIp(argument) : workloads.byUid(argument) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Answers what a worker asks without waiting: reads and writes of the tables that all replicas share. */
export function answerRequest(request: Request, { shared }: AdapterHost): Promise<unknown> {
  const table = shared(request.table);
  if (request.what === "get") return table.get(request.key);
  return table.put(request.key, request.value, request.revision, request.ttlMs);
}
