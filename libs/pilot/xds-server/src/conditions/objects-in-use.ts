import type { Turns } from "@xebec/core-async";
import type { ConnectedSidecar, InUse } from "@xebec/pilot-snapshot";
import type { EncodedResource } from "@xebec/pilot-xds-gen";
import type { XdsServer } from "../server/xds-server.ts";
import { PatchRemarks } from "./patch-remarks.ts";

/** Proxies come one after the other; an object is not said to concern nobody before they are all there again. */
const SETTLE_MS = 2_000;

/**
 * Finds out which objects the configuration of connected proxies came from. Proxies that are not authenticated do not count. While
 * proxies come and go, what was in use before counts too, so that a restart changes no condition back and forth.
 */
export class ObjectsInUse {
  readonly #server: XdsServer;
  readonly #settled: () => void;
  #timer: NodeJS.Timeout | undefined;
  #before: Required<Pick<InUse, "configKeys" | "patches">> | undefined;

  /** @param settled called when no proxy has come or gone for a while */
  constructor(server: XdsServer, settled: () => void) {
    this.#server = server;
    this.#settled = settled;
  }

  /** A proxy has come or gone. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#settled();
    }, SETTLE_MS).unref();
  }

  /** @returns undefined while it is not known: no proxy is connected, or they have just begun to come */
  async find(turns: Turns): Promise<InUse | undefined> {
    const { generator } = this.#server;
    const connections = [...this.#server.connections].filter((each) => each.authenticated);
    if (!generator || connections.length === 0) return undefined;
    const configKeys = new Set<string>();
    const sidecars: ConnectedSidecar[] = [];
    const remarks = new Map<string, Set<string>>();
    const remark = ({ key, text }: { readonly key: string; readonly text: string }): void => {
      remarks.set(key, (remarks.get(key) ?? new Set()).add(text));
    };
    const errors = new PatchRemarks();
    // Proxies that are alike share the lists themselves: each is looked through once.
    const seen = new Set<readonly EncodedResource[]>();
    for (const connection of connections) {
      const { proxy } = connection;
      await this.#server.prepared(connection);
      this.#server.guarded(connection, () => {
        const proxyClass = connection.proxyClass(generator);
        for (const list of connection.resourceLists(generator)) {
          if (seen.has(list)) continue;
          seen.add(list);
          for (const { configKeys: keys, patchErrors = [] } of list) {
            for (const key of keys) configKeys.add(key);
            for (const error of patchErrors) errors.add(error);
          }
        }
        for (const each of generator.remarks(proxy, proxyClass)) remark(each);
        const { namespace, labels } = proxy;
        if (proxy.type === "sidecar")
          sidecars.push({ namespace, labels, ports: generator.servedPorts(proxy, proxyClass) });
      });
      await turns.next();
    }
    const patches = new Set<string>();
    for (const { configKey, path = "spec", applied, error } of generator.patchUse()) {
      if (applied) patches.add(`${configKey} ${path}`);
      if (error !== undefined) remark({ key: configKey, text: `${path}.patch.value: ${error}` });
    }
    for (const each of errors.texts()) remark(each);
    if (this.#timer === undefined) this.#before = { configKeys, patches };
    else if (!this.#before) return undefined;
    else {
      for (const key of this.#before.configKeys) configKeys.add(key);
      for (const each of this.#before.patches) patches.add(each);
    }
    return { configKeys, sidecars, remarks, patches };
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
