import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Kube } from "@xebec/testing-kube";
import { tempDir } from "@xebec/testing-launch";

/** A network between a client and the API server that a test can cut. */
export interface CutProxy extends AsyncDisposable {
  /** A kubeconfig that leads through it. */
  readonly kubeconfig: string;
  /** Ends all connections, and takes no other one. */
  cut(): void;
  /** Nothing passes any more, and nobody is told: as a firewall that forgot the connections. */
  freeze(): void;
  heal(): void;
}

export async function cutProxy(kube: Kube): Promise<CutProxy> {
  const { hostname, port } = new URL(kube.server);
  const sockets = new Set<Socket>();
  let isCut = false;
  let isFrozen = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => {
        if (!isFrozen) to.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = tempDir();
  const kubeconfig = folder.file("kubeconfig");
  const own = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(kubeconfig, readFileSync(kube.kubeconfig, "utf8").replaceAll(kube.server, own), { mode: 0o600 });
  const end = (): void => {
    for (const each of [...sockets]) each.destroy();
  };
  return {
    kubeconfig,
    cut() {
      isCut = true;
      end();
    },
    freeze() {
      isFrozen = true;
    },
    heal() {
      isCut = false;
      isFrozen = false;
      end();
    },
    async [Symbol.asyncDispose]() {
      end();
      await new Promise((resolve) => server.close(resolve));
      folder.remove();
    },
  };
}
