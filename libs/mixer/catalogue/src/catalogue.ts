import { circonus } from "@xebec/mixer-adapters-circonus/info";
import { cloudwatch } from "@xebec/mixer-adapters-cloudwatch/info";
import { denier } from "@xebec/mixer-adapters-denier/info";
import { dogstatsd } from "@xebec/mixer-adapters-dogstatsd/info";
import { fluentd } from "@xebec/mixer-adapters-fluentd/info";
import { http } from "@xebec/mixer-adapters-http/info";
import { kubernetesenv } from "@xebec/mixer-adapters-kubernetesenv/info";
import { listchecker } from "@xebec/mixer-adapters-listchecker/info";
import { loki } from "@xebec/mixer-adapters-loki/info";
import { memquota } from "@xebec/mixer-adapters-memquota/info";
import { nats } from "@xebec/mixer-adapters-nats/info";
import { natsquota } from "@xebec/mixer-adapters-natsquota/info";
import { noop } from "@xebec/mixer-adapters-noop/info";
import { opa } from "@xebec/mixer-adapters-opa/info";
import { opentelemetry } from "@xebec/mixer-adapters-opentelemetry/info";
import { prometheus } from "@xebec/mixer-adapters-prometheus/info";
import { rbac } from "@xebec/mixer-adapters-rbac/info";
import { redisquota } from "@xebec/mixer-adapters-redisquota/info";
import { signalfx } from "@xebec/mixer-adapters-signalfx/info";
import { solarwinds } from "@xebec/mixer-adapters-solarwinds/info";
import { stackdriver } from "@xebec/mixer-adapters-stackdriver/info";
import { statsd } from "@xebec/mixer-adapters-statsd/info";
import { stdio } from "@xebec/mixer-adapters-stdio/info";
import { zipkin } from "@xebec/mixer-adapters-zipkin/info";
import {
  type Adapter,
  type AdapterHost,
  type AdapterInfo,
  type AdapterModule,
  installTemplate,
  TEMPLATES,
  type Variety,
} from "@xebec/mixer-sdk";

/** An adapter: its description, and how its code is loaded; one that is built into the services has none. */
export interface AdapterEntry {
  readonly info: AdapterInfo;
  readonly load?: () => Promise<AdapterModule>;
}

/** Every adapter that the mesh has. */
const CATALOGUE: readonly AdapterEntry[] = [
  { info: circonus, load: () => import("@xebec/mixer-adapters-circonus") },
  { info: dogstatsd, load: () => import("@xebec/mixer-adapters-dogstatsd") },
  { info: fluentd, load: () => import("@xebec/mixer-adapters-fluentd") },
  { info: http, load: () => import("@xebec/mixer-adapters-http") },
  { info: loki, load: () => import("@xebec/mixer-adapters-loki") },
  { info: nats, load: () => import("@xebec/mixer-adapters-nats") },
  { info: opentelemetry, load: () => import("@xebec/mixer-adapters-opentelemetry") },
  { info: signalfx, load: () => import("@xebec/mixer-adapters-signalfx") },
  { info: solarwinds, load: () => import("@xebec/mixer-adapters-solarwinds") },
  { info: zipkin, load: () => import("@xebec/mixer-adapters-zipkin") },
  { info: cloudwatch, load: () => import("@xebec/mixer-adapters-cloudwatch") },
  { info: stackdriver, load: () => import("@xebec/mixer-adapters-stackdriver") },
  { info: denier, load: () => import("@xebec/mixer-adapters-denier") },
  { info: kubernetesenv, load: () => import("@xebec/mixer-adapters-kubernetesenv") },
  { info: listchecker, load: () => import("@xebec/mixer-adapters-listchecker") },
  { info: memquota, load: () => import("@xebec/mixer-adapters-memquota") },
  { info: natsquota, load: () => import("@xebec/mixer-adapters-natsquota") },
  { info: noop, load: () => import("@xebec/mixer-adapters-noop") },
  { info: opa, load: () => import("@xebec/mixer-adapters-opa") },
  { info: prometheus, load: () => import("@xebec/mixer-adapters-prometheus") },
  { info: rbac, load: () => import("@xebec/mixer-adapters-rbac") },
  { info: redisquota, load: () => import("@xebec/mixer-adapters-redisquota") },
  { info: statsd, load: () => import("@xebec/mixer-adapters-statsd") },
  { info: stdio, load: () => import("@xebec/mixer-adapters-stdio") },
] as readonly AdapterEntry[];

const entries = new Map<string, AdapterEntry>(CATALOGUE.map((each) => [each.info.name, each]));
const infos = new Map<string, AdapterInfo>(CATALOGUE.map(({ info }) => [info.name, info]));
const followers = new Set<(entry: AdapterEntry) => void>();

/** The descriptions of all adapters that this process knows, by name: Xebec's own, and those that were installed. */
export const ADAPTERS: ReadonlyMap<string, AdapterInfo> = infos;

/**
 * Makes an adapter from outside of the repository known to this process, with its templates. The one of that name before is replaced.
 * @returns takes it away again, with its templates
 * @throws TypeError for the name of one of Xebec's own, or of one of Istio's templates
 */
export function installAdapter(entry: AdapterEntry): () => void {
  const { info } = entry;
  if (CATALOGUE.some((each) => each.info.name === info.name))
    throw new TypeError(`the adapter ${info.name} is one of Xebec's own; give yours another name`);
  const removals = (info.ownTemplates ?? []).map((template) => installTemplate(template));
  entries.set(info.name, entry);
  infos.set(info.name, info);
  for (const each of followers) each(entry);
  return () => {
    if (entries.get(info.name) !== entry) return;
    entries.delete(info.name);
    infos.delete(info.name);
    for (const remove of removals) remove();
  };
}

/** The code of an adapter. @throws TypeError when there is none of that name, or it is built into the services */
export async function moduleOf(name: string): Promise<AdapterModule> {
  const module = await entries.get(name)?.load?.();
  if (!module) throw new TypeError(`there is no adapter ${name} with code of its own`);
  return module;
}

/** Calls `changed` with each adapter that is installed from now on. @returns ends it */
export function followAdapters(changed: (entry: AdapterEntry) => void): () => void {
  followers.add(changed);
  return () => void followers.delete(changed);
}

/** Whether a service that does this needs an adapter. @param varieties what it does */
export function isServed({ templates }: Pick<AdapterInfo, "templates">, varieties: readonly Variety[]): boolean {
  return templates.some((each) => varieties.some((variety) => TEMPLATES.get(each)?.variety === variety));
}

/**
 * Loads the adapters that a service runs.
 * @param varieties what the service does: adapters without a template of these stay where they are
 * @param hostOf gives what an adapter may use of this process
 */
export async function loadAdapters(
  varieties: readonly Variety[],
  hostOf: (info: AdapterInfo) => AdapterHost,
): Promise<Adapter[]> {
  const due = [...entries.values()].filter(({ info }) => isServed(info, varieties));
  const loaded = await Promise.all(
    due.map(async ({ info, load }) => (await load?.())?.createAdapter(hostOf(info)) ?? []),
  );
  return loaded.flat();
}
