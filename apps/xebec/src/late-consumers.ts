import { hasReached } from "@xebec/model-resources";
import type { PublishedConfig } from "@xebec/platform-local";

/** The services that read configuration from the bus. */
export const CONSUMERS = ["pilot", "mixer-policy", "mixer-telemetry"];

/**
 * The services that have not applied what galley has published, with the reason where it is known. Nobody is late while nobody can
 * tell what is published.
 */
export function lateConsumers({ known, position, observed }: PublishedConfig): ReadonlyMap<string, string> {
  if (!known || !position) return new Map();
  return new Map(
    CONSUMERS.flatMap((name): [string, string][] => {
      const { fault } = observed[name] ?? {};
      if (fault) return [[name, fault]];
      return hasReached(observed[name], position) ? [] : [[name, "it has not applied the newest configuration yet"]];
    }),
  );
}
