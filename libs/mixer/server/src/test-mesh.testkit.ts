import { readFileSync } from "node:fs";
import { waitFor } from "@xebec/core-async";
import { compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { readManifest } from "@xebec/core-yaml";
import { createAdapter as createDenier } from "@xebec/mixer-adapters-denier";
import { createAdapter as createListchecker } from "@xebec/mixer-adapters-listchecker";
import { createAdapter as createMemquota } from "@xebec/mixer-adapters-memquota";
import { createAdapter as createPrometheus } from "@xebec/mixer-adapters-prometheus";
import { createAdapter as createStdio } from "@xebec/mixer-adapters-stdio";
import { type Adapter, NO_REACH, type Page } from "@xebec/mixer-sdk";
import {
  decodeCondition,
  encodeResource,
  isObservedKey,
  keyOf,
  outcomeOf,
  type Resource,
} from "@xebec/model-resources";
import { encodeWorkloadRecord, type PodRecord, type ServiceRecord, workloadKey } from "@xebec/model-workloads";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { createGrpcChannel } from "@xebec/platform-grpc";
import type { Ledger } from "./ledger.ts";
import type { MixerService, MixerServiceOptions } from "./mixer-service.ts";

/** Reads objects from YAML, for tests. */
export function objectsOf(text: string): Resource[] {
  return readManifest(text).objects.map(({ value }) => {
    const { apiVersion, kind, metadata, spec } = value as unknown as {
      apiVersion: string;
      kind: string;
      metadata: { name: string; namespace?: string };
      spec: object;
    };
    const [group = "", version = ""] = apiVersion.split("/");
    return { group, version, kind, name: metadata.name, namespace: metadata.namespace ?? "", spec: spec ?? {} };
  });
}

/** The objects of a file in `testdata`. */
export function testdata(name: string): Resource[] {
  return objectsOf(readFileSync(new URL(`../testdata/${name}`, import.meta.url), "utf8"));
}

/** A pod of a workload `<app>-<version>` with the service account `<app>`. */
export function pod(app: string, version: string, ip: string, namespace = "default"): PodRecord {
  return {
    type: "pod",
    namespace,
    name: `${app}-${version}-abc`,
    uid: `${app}-uid`,
    ip,
    labels: { app, version },
    serviceAccount: app,
    workload: { kind: "Deployment", name: `${app}-${version}` },
    ports: [{ name: "http", containerPort: 9080 }],
    ready: true,
  };
}

export function service(name: string, namespace = "default"): ServiceRecord {
  return {
    type: "service",
    namespace,
    name,
    hostname: `${name}.${namespace}.svc.cluster.local`,
    addresses: [],
    ports: [{ name: "http", port: 80, targetPort: 9080, protocol: "TCP" }],
    selector: { app: name },
  };
}

/** The adapters of mixer-policy. */
export function policyAdapters(): Adapter[] {
  return [createDenier(), createListchecker({ limits: NO_REACH }), createMemquota()];
}

/** The adapters of mixer-telemetry, with what they expose and write. @param ledger what outlasts the process */
export function telemetryAdapters(ledger?: Ledger): {
  readonly adapters: Adapter[];
  readonly text: () => string;
  readonly lines: string[];
} {
  const pages: Page[] = [];
  const lines: string[] = [];
  const adapters = [
    createPrometheus({
      ...(ledger ? { kept: (group: string) => ledger.group(group) } : {}),
      serve: (_port, _path, page) => {
        pages.push(page);
        return () => undefined;
      },
    }),
    createStdio({ limits: NO_REACH }, () => ({
      write: (text) => void lines.push(...text.trimEnd().split("\n")),
      close() {},
    })),
  ];
  return { adapters, text: () => pages.map((each) => each.text()).join(""), lines };
}

/** Starts a Mixer service on a bus in memory, with its configuration in effect. */
export async function startMixer(
  create: (options: MixerServiceOptions) => MixerService,
  adapters: readonly Adapter[],
  objects: readonly Resource[],
  workloads: readonly (PodRecord | ServiceRecord)[] = [],
) {
  const bus = createMemoryBus();
  const config = createRevisionWriter({ bus, bucket: "config", source: "galley" });
  const records = createRevisionWriter({ bus, bucket: "workloads", source: "local" });
  const metrics = createMetrics();
  const mixer = create({ bus, adapters, metrics, address: { host: "127.0.0.1", port: 0 } });
  const all = compose("mixer", [bus, config, records, ...mixer.components]);
  const conditions = new Map<string, string>();
  await all.start(new AbortController().signal);
  const watch = bus.bucket("status").watch({
    entry(key, bytes) {
      if (isObservedKey(key)) return;
      if (!bytes) conditions.delete(key);
      else {
        const condition = decodeCondition(bytes);
        conditions.set(key, `${outcomeOf(condition)} ${condition.reason}: ${condition.message}`);
      }
    },
    synced() {},
  });
  const publish = async (next: readonly Resource[]): Promise<void> => {
    const before = mixer.runtime.snapshot;
    await config.replace(new Map(next.map((each) => [keyOf(each), encodeResource(each)])));
    await waitFor("the configuration in effect", 5000, () => mixer.runtime.snapshot !== before);
  };
  await records.replace(new Map(workloads.map((each) => [workloadKey(each), encodeWorkloadRecord(each)])));
  await publish(objects);
  const address = { host: "127.0.0.1", port: mixer.server.port };
  const channel = createGrpcChannel({ address });
  return {
    bus,
    mixer,
    metrics,
    address,
    channel,
    conditions,
    publish,
    async close() {
      watch.close();
      channel.close();
      await all.close?.();
    },
  };
}
