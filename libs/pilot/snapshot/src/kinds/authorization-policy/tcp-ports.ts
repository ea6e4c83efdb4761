import type { PortProtocol } from "@xebec/model-names";
import type { ServiceState } from "../../services/services.ts";

/** Ports without HTTP. Where the protocol is detected, both may be. */
const WITHOUT_HTTP: ReadonlySet<PortProtocol> = new Set(["TCP", "TLS", "HTTPS", "Mongo", "Redis", "MySQL"]);

interface TcpService {
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly target: string }[];
}

/** The ports without HTTP of all services. They are looked up once, and only when a policy asks. */
export class TcpPorts {
  readonly #services: ServiceState["services"];
  #byNamespace: Map<string, TcpService[]> | undefined;

  constructor({ services }: ServiceState) {
    this.#services = services;
  }

  /**
   * The ports that selected workloads may serve, as `HOST:PORT`.
   * @param labels of the workloads
   * @param targets the ports of the workloads that count; undefined for all
   */
  of(
    namespace: string,
    labels: Readonly<Record<string, string>> | undefined,
    targets: ReadonlySet<string> | undefined,
  ): string[] {
    this.#byNamespace ??= this.#read();
    return (this.#byNamespace.get(namespace) ?? [])
      .filter(({ selector }) =>
        // Two selectors meet unless they ask for different values of a label.
        Object.entries(labels ?? {}).every(([name, value]) => selector[name] === undefined || selector[name] === value),
      )
      .flatMap(({ ports }) => ports.filter(({ target }) => targets?.has(target) ?? true).map(({ name }) => name))
      .sort();
  }

  #read(): Map<string, TcpService[]> {
    const byNamespace = new Map<string, TcpService[]>();
    for (const list of this.#services.values())
      for (const { namespace, selector, host, ports: all } of list) {
        const ports = all
          .filter(({ protocol }) => WITHOUT_HTTP.has(protocol))
          .map(({ number, targetPort }) => ({ name: `${host}:${number}`, target: String(targetPort) }));
        if (!selector || ports.length === 0) continue;
        const own = byNamespace.get(namespace) ?? [];
        own.push({ selector, ports });
        byNamespace.set(namespace, own);
      }
    return byNamespace;
  }
}
