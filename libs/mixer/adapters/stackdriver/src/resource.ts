import type { ValueMap } from "@xebec/mixer-sdk";
import { textMap } from "@xebec/mixer-sinks";

/** A monitored resource. */
export interface Resource {
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @param project stands where the instance leaves its project empty */
export function resourceOf(
  {
    monitoredResourceType = "",
    monitoredResourceDimensions,
  }: {
    readonly monitoredResourceType?: string;
    readonly monitoredResourceDimensions?: ValueMap;
  },
  project: string,
): Resource {
  const labels = textMap(monitoredResourceDimensions);
  if (labels.project_id === "" || (monitoredResourceType === "" && labels.project_id === undefined))
    labels.project_id = project;
  return { type: monitoredResourceType === "" ? "global" : monitoredResourceType, labels };
}
