import type { Adapter, Instance } from "@xebec/mixer-sdk";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { ManualClock, type Received } from "@xebec/mixer-sinks/testkit";

/** Reports to a handler of an adapter and ends it, at a time that the samples know. */
export async function sent(
  adapter: Adapter,
  params: object,
  reports: readonly (readonly [template: string, ...instances: Instance[]])[],
): Promise<void> {
  const handler = await startHandler(adapter, params, { clock: new ManualClock(1_700_000_100_000) });
  for (const [template, ...instances] of reports) await handler.report?.(instances as never, template);
  await handler.close?.();
}

/** The body of a request as JSON. */
export const json = ({ body }: Received | undefined = {} as Received): unknown => JSON.parse(body);
