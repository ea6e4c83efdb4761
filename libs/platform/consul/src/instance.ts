/** One instance of a service, as Consul has it. */
export interface ConsulInstance {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly datacenter: string;
}

/** An element of the answer of `/v1/health/service/NAME`, as far as it is read. */
export interface HealthEntry {
  readonly Node?: { readonly Node?: string; readonly Address?: string; readonly Datacenter?: string };
  readonly Service?: {
    readonly ID?: string;
    readonly Address?: string;
    readonly Port?: number;
    readonly Tags?: readonly string[] | null;
    readonly Meta?: Readonly<Record<string, string>> | null;
  };
  readonly Checks?: readonly { readonly Status?: string }[] | null;
}

/**
 * Reads the instances of a service, in the order of their ids. Those with a critical check are left out, as Consul's own DNS does.
 * @param entries the answer of `/v1/health/service/NAME`
 */
export function instancesOf(entries: readonly HealthEntry[]): ConsulInstance[] {
  return entries
    .flatMap(({ Node, Service, Checks }) => {
      const address = Service?.Address || Node?.Address;
      const port = Service?.Port ?? 0;
      if (!address || (Checks ?? []).some(({ Status }) => Status === "critical")) return [];
      return [
        {
          ...{ id: `${Node?.Node ?? ""}/${Service?.ID ?? ""}`, address, port },
          ...{ tags: Service?.Tags ?? [], meta: Service?.Meta ?? {}, datacenter: Node?.Datacenter ?? "" },
        },
      ];
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
