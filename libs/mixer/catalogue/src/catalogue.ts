import { denier } from "@xebec/mixer-adapters-denier/info";
import { listchecker } from "@xebec/mixer-adapters-listchecker/info";
import { memquota } from "@xebec/mixer-adapters-memquota/info";
import { prometheus } from "@xebec/mixer-adapters-prometheus/info";
import { statsd } from "@xebec/mixer-adapters-statsd/info";
import { stdio } from "@xebec/mixer-adapters-stdio/info";
import {
  type Adapter,
  type AdapterHost,
  type AdapterInfo,
  type AdapterModule,
  TEMPLATES,
  type Variety,
} from "@xebec/mixer-sdk";
import { kubernetesenv } from "./kubernetesenv.ts";

/** An adapter: its description, and how its code is loaded; one that is built into the services has none. */
export interface AdapterEntry {
  readonly info: AdapterInfo;
  readonly load?: () => Promise<AdapterModule>;
}

/** Every adapter that the mesh has. */
const CATALOGUE: readonly AdapterEntry[] = [
  { info: denier, load: () => import("@xebec/mixer-adapters-denier") },
  { info: kubernetesenv },
  { info: listchecker, load: () => import("@xebec/mixer-adapters-listchecker") },
  { info: memquota, load: () => import("@xebec/mixer-adapters-memquota") },
  { info: prometheus, load: () => import("@xebec/mixer-adapters-prometheus") },
  { info: statsd, load: () => import("@xebec/mixer-adapters-statsd") },
  { info: stdio, load: () => import("@xebec/mixer-adapters-stdio") },
] as readonly AdapterEntry[];

/** The descriptions of all adapters, by name. */
export const ADAPTERS: ReadonlyMap<string, AdapterInfo> = new Map(CATALOGUE.map(({ info }) => [info.name, info]));

/**
 * Loads the adapters that a service runs.
 * @param varieties what the service does: adapters without a template of these stay where they are
 * @param hostOf gives what an adapter may use of this process
 */
export async function loadAdapters(
  varieties: readonly Variety[],
  hostOf: (info: AdapterInfo) => AdapterHost,
): Promise<Adapter[]> {
  const isServed = (template: string): boolean => varieties.some((each) => TEMPLATES.get(template)?.variety === each);
  const due = CATALOGUE.filter(({ info }) => info.templates.some(isServed));
  const loaded = await Promise.all(
    due.map(async ({ info, load }) => (await load?.())?.createAdapter(hostOf(info)) ?? []),
  );
  return loaded.flat();
}
