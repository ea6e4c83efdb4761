import type { InjectValues } from "./values.ts";

/** The proxy's requests and limits, each absent when there is none. */
export interface ResourcesData {
  readonly requestCpu?: string | undefined;
  readonly requestMemory?: string | undefined;
  readonly limitCpu?: string | undefined;
  readonly limitMemory?: string | undefined;
  readonly requested: boolean;
  readonly limited: boolean;
}

const LIMITS = { limitCpu: "2", limitMemory: "1Gi" } as const;

/**
 * Any annotation about the proxy's resources replaces the whole block by what the annotations say
 * (docs/reference/platform.md §4.6).
 */
export function resourcesData(annotations: Readonly<Record<string, string>>, values: InjectValues): ResourcesData {
  const own = {
    requestCpu: annotations["sidecar.istio.io/proxyCPU"],
    requestMemory: annotations["sidecar.istio.io/proxyMemory"],
    limitCpu: annotations["sidecar.istio.io/proxyCPULimit"],
    limitMemory: annotations["sidecar.istio.io/proxyMemoryLimit"],
  };
  if (Object.values(own).every((each) => each === undefined))
    return {
      requestCpu: values.proxyCpu,
      requestMemory: values.proxyMemory,
      ...LIMITS,
      requested: true,
      limited: true,
    };
  const has = (...values: (string | undefined)[]): boolean => values.some((each) => each !== undefined);
  return {
    ...own,
    requested: has(own.requestCpu, own.requestMemory),
    limited: has(own.limitCpu, own.limitMemory),
  };
}
