import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { keyOf, type Resource } from "@xebec/model-resources";
import type { ConfigChange, WorkloadGroup } from "@xebec/pilot-snapshot";
import type { MeshProxy } from "@xebec/pilot-xds-gen";
import { registeredEntry } from "./registered-entry.ts";

const log = logger("registration");

/** How long a workload whose stream has ended stays registered: it may come back at once. */
const GRACE_MS = 10_000;

export interface RegistrationsOptions {
  /** The WorkloadGroup of a key; undefined when there is none. */
  readonly groupOf: (key: string) => WorkloadGroup | undefined;
  /** Takes WorkloadEntries, and their ends, into the mesh. */
  readonly apply: (change: ConfigChange) => Promise<void>;
  readonly graceMs?: number;
}

/** A workload that has registered itself. */
interface Registration {
  readonly entry: Resource;
  readonly group: string;
  /** Its streams that are open. */
  streams: number;
  /** As its agent reports; of a group with a probe not before the first report. */
  healthy: boolean;
  /** True while it is part of the mesh. */
  shown: boolean;
  /** Ends it, when no stream is open. */
  timer?: NodeJS.Timeout;
}

/**
 * Workloads that register themselves by their node's metadata (`ISTIO_META_AUTO_REGISTER_GROUP`): each is a WorkloadEntry as long as it is
 * connected to this pilot, which alone knows it. It is nobody's object: what its stream has brought, the end of the stream takes away.
 */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #byKey = new Map<string, Registration>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** How many workloads each group has, by its key. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { group } of this.#byKey.values()) counts.set(group, (counts.get(group) ?? 0) + 1);
    return counts;
  }

  /**
   * Registers the workload of a proxy that has connected, if it asks for it.
   * @param verified true when its certificate or token has proved who it is
   * @returns what ends its stream's part in it; undefined when it does not register
   * @throws XebecError failed_precondition without its group, permission_denied when it may not be in the group
   */
  connected(proxy: MeshProxy, verified: boolean): RegisteredStream | undefined {
    if (!proxy.registrationGroup) return undefined;
    const group = this.#groupOf(proxy, verified);
    const entry = registeredEntry(group, proxy);
    const key = keyOf(entry);
    const known = this.#byKey.get(key) ?? {
      ...{ entry, group: group.key, streams: 0, healthy: group.spec.probe === undefined, shown: false },
    };
    this.#byKey.set(key, known);
    clearTimeout(known.timer);
    known.streams++;
    this.#show(known);
    log.info({ proxy: proxy.id, group: group.key, entry: entry.name }, "a workload has registered itself");
    return {
      health: (healthy) => {
        known.healthy = healthy;
        this.#show(known);
      },
      gone: () => {
        if (--known.streams > 0) return;
        known.timer = setTimeout(() => this.#end(key, known), this.#options.graceMs ?? GRACE_MS).unref();
      },
    };
  }

  #groupOf({ namespace, registrationGroup, serviceAccount }: MeshProxy, verified: boolean): WorkloadGroup {
    const identity = { group: "networking.istio.io", kind: "WorkloadGroup", namespace, name: registrationGroup };
    const group = this.#options.groupOf(keyOf(identity));
    const where = `${namespace}/${registrationGroup}`;
    if (!group)
      throw new XebecError(
        "failed_precondition",
        `the workload cannot register itself: there is no WorkloadGroup ${where}; create it, or correct ISTIO_META_AUTO_REGISTER_GROUP`,
      );
    if (!verified)
      throw new XebecError(
        "permission_denied",
        `the workload cannot register itself in ${where} without a certificate or token; connect to port 15012`,
      );
    const wanted = group.spec.template.serviceAccount;
    if (wanted && serviceAccount !== wanted)
      throw new XebecError(
        "permission_denied",
        `the workload cannot register itself in ${where}: the group is for the service account ${wanted}, not ${serviceAccount || "(none)"}`,
      );
    return group;
  }

  /** Makes it part of the mesh while it is healthy. */
  #show(registration: Registration): void {
    const { entry, healthy, shown } = registration;
    if (healthy === shown) return;
    registration.shown = healthy;
    this.#apply(healthy ? { puts: [entry], deletes: [] } : { puts: [], deletes: [keyOf(entry)] });
  }

  #end(key: string, registration: Registration): void {
    this.#byKey.delete(key);
    registration.healthy = false;
    this.#show(registration);
  }

  #apply(change: ConfigChange): void {
    this.#options.apply(change).catch((error: unknown) => {
      log.error({ err: error }, "a workload that registers itself could not be taken over");
    });
  }
}

/** The part of a stream in the registration of its workload. */
export interface RegisteredStream {
  /** The agent has probed the workload. */
  health(healthy: boolean): void;
  gone(): void;
}
