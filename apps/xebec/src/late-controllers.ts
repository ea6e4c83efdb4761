import { hasReached } from "@xebec/model-resources";
import type { PublishedConfig } from "@xebec/platform-local";

/** The services that read configuration from the bus. */
export const CONTROLLERS = ["pilot", "mixer-policy", "mixer-telemetry"];

/**
 * The services that have not applied what galley has published, with the reason where it is known. None is late while it is unknown
 * what is published.
 */
export function lateControllers({ known, position, observed }: PublishedConfig): ReadonlyMap<string, string> {
  if (!known || !position) return new Map();
  return new Map(
    CONTROLLERS.flatMap((name): [string, string][] => {
      const { error } = observed[name] ?? {};
      if (error) return [[name, error]];
      return hasReached(observed[name], position) ? [] : [[name, "it has not applied the newest configuration yet"]];
    }),
  );
}
