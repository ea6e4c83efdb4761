import type { Adapter, AdapterModule } from "@xebec/mixer-sdk";
import { adapterComponent } from "./component.ts";
import type { ServedAdapter, ServeOptions } from "./serve-options.ts";

export type { ServedAdapter, ServeOptions } from "./serve-options.ts";

/**
 * Serves an adapter in this process: over gRPC, over the bus, or both.
 * @throws XebecError invalid_argument for options that cannot be used, failed_precondition when the port cannot be bound
 */
export async function serveAdapter(given: Adapter | AdapterModule, options: ServeOptions): Promise<ServedAdapter> {
  const { component, port } = await adapterComponent(given, options);
  await component.start(new AbortController().signal);
  return { port: port(), close: async () => component.close?.() };
}
