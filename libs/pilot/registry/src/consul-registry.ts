import { logger } from "@xebec/core-log";
import { type PortProtocol, protocolByName } from "@xebec/model-names";
import { isMeshed, networkOf } from "./labels.ts";
import { RegistryListeners } from "./listeners.ts";
import type { MeshEndpoint, MeshPort, ServiceDefinition } from "./service.ts";
import type { RegistryListener, RegistryState, ServiceRegistry } from "./service-registry.ts";

const log = logger("registry");
/** Everything of Consul is in it (docs/reference/pilot.md §1.3). */
const NAMESPACE = "default";
const DOMAIN = "service.consul";

/** One instance of a service, as Consul has it. */
export interface ConsulInstance {
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly datacenter: string;
}

/** Where services of Consul come from. */
export interface ConsulSource {
  /** Begins, and reports everything first, then services that changed, by name; no instances for one that is gone. */
  start(report: (change: ReadonlyMap<string, readonly ConsulInstance[]>) => void, signal: AbortSignal): Promise<void>;
  missing(): readonly string[];
  close(): Promise<void>;
}

/** Services of Consul, as Istio 1.1 takes them (docs/reference/pilot.md §1.5). */
export class ConsulRegistry implements ServiceRegistry {
  readonly name = "Consul";
  readonly #source: ConsulSource;
  readonly #listeners = new RegistryListeners();
  readonly #definitions = new Map<string, ServiceDefinition>();
  readonly #created = new Map<string, string>();

  constructor(source: ConsulSource) {
    this.#source = source;
  }

  get state(): RegistryState {
    return { services: this.#definitions, pods: new Map() };
  }

  watch(listener: RegistryListener): void {
    this.#listeners.add(listener);
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#source.start((change) => this.#changed(change), signal);
  }

  missing(): readonly string[] {
    return this.#source.missing();
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  #changed(change: ReadonlyMap<string, readonly ConsulInstance[]>): void {
    const services = new Map<string, ServiceDefinition | undefined>();
    for (const [name, instances] of change) {
      const id = idOf(name);
      if (instances.length === 0) {
        if (!this.#definitions.delete(id)) continue;
        services.set(id, undefined);
        continue;
      }
      // Consul does not say since when a service is there.
      const created = this.#created.get(id) ?? new Date().toISOString();
      this.#created.set(id, created);
      const definition = definitionOf(name, instances, created);
      this.#definitions.set(id, definition);
      services.set(id, definition);
    }
    void this.#listeners.call({ services, pods: new Map() });
  }
}

function idOf(name: string): string {
  return `${name}.${DOMAIN}@${NAMESPACE}/consul`;
}

/** @param instances at least one */
export function definitionOf(name: string, instances: readonly ConsulInstance[], created: string): ServiceDefinition {
  const ports = portsOf(name, instances);
  const isExternal = instances.some(({ meta }) => Boolean(meta.external));
  return {
    service: {
      ...{ id: idOf(name), host: `${name}.${DOMAIN}`, namespace: NAMESPACE, name, kubernetes: false, addresses: [] },
      ports: [...ports.values()],
      resolution: isExternal ? "passthrough" : "eds",
      ...{ headless: false, external: isExternal, exportTo: [], subjectAltNames: [], created, configKeys: [] },
    },
    endpoints: isExternal ? [] : instances.map((each) => endpointOf(each, ports.get(each.port)?.name ?? "")),
  };
}

/** The ports of all instances by number. Instances of one service may have several; each has a name of its own. */
function portsOf(name: string, instances: readonly ConsulInstance[]): Map<number, MeshPort> {
  const ports = new Map<number, MeshPort>();
  const names = new Set<string>();
  for (const { port, meta } of instances.toSorted((a, b) => a.port - b.port)) {
    const text = meta.protocol || "tcp";
    const protocol: PortProtocol = protocolByName(text) ?? "TCP";
    const known = ports.get(port);
    if (known) {
      if (known.protocol !== protocol)
        log.warn({ service: name, port, protocols: [known.protocol, protocol] }, "a port of Consul has two protocols");
      continue;
    }
    const portName = names.has(text) ? `${text}-${port}` : text;
    names.add(portName);
    ports.set(port, { name: portName, number: port, protocol, targetPort: port });
  }
  return ports;
}

function endpointOf({ address, port, tags, datacenter }: ConsulInstance, portName: string): MeshEndpoint {
  const labels = labelsOf(tags);
  return {
    ...{ address, ports: { [portName]: port }, labels, locality: datacenter, weight: 1 },
    ...networkOf(labels),
    serviceAccount: { namespace: NAMESPACE, serviceAccount: "default" },
    mtls: isMeshed(labels),
  };
}

/** Tags of the form `key|value` are labels; others say nothing to the mesh. */
function labelsOf(tags: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    tags.flatMap((tag) => {
      const at = tag.indexOf("|");
      return at > 0 ? [[tag.slice(0, at), tag.slice(at + 1)]] : [];
    }),
  );
}
