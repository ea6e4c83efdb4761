import { readProtoJson, violationText } from "@xebec/model-schema";
import type { Adapter, AdapterInfo, Handler, HandlerContext, ValidationContext } from "./adapter.ts";
import { handlerContext } from "./context.ts";
import { withDefaults } from "./params.ts";

export { ManualClock } from "./manual-clock.ts";

/** What is wrong with a handler's parameters, as galley and Mixer's services show it; for tests of adapters. */
export function paramErrors(
  adapter: AdapterInfo,
  params: unknown,
  { instances = [], limits }: Partial<ValidationContext> = {},
): string[] {
  const { value, violations } = readProtoJson(adapter.config, params);
  if (violations.length > 0) return violations.map(violationText);
  const config = withDefaults(adapter.config, adapter.defaults, value as object);
  return (adapter.validate?.(config as never, { instances, limits }) ?? []).map(violationText);
}

/**
 * Makes a handler as Mixer's services do, from parameters as users write them; for tests of adapters.
 * @throws TypeError when the parameters are wrong
 */
export async function startHandler(
  adapter: Adapter,
  params: unknown,
  context: Partial<HandlerContext> & Partial<ValidationContext> = {},
): Promise<Handler> {
  const errors = paramErrors(adapter, params, context);
  if (errors.length > 0) throw new TypeError(errors.join("; "));
  const config = withDefaults(adapter.config, adapter.defaults, readProtoJson(adapter.config, params).value as object);
  const handler = await adapter.create(config as never, handlerContext(context));
  await handler.start?.();
  return handler;
}
