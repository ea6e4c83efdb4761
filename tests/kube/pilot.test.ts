// Pilot alone: what it serves comes from an API server, or from Consul, without galley and without a bus.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { openKubeClient } from "@xebec/platform-kube";
import { kubeMissing, startKube } from "@xebec/testing-kube";
import { freePorts, startChild, tempDir } from "@xebec/testing-launch";
import { create } from "./galley-lab.ts";

const MAIN = resolve(import.meta.dirname, "../../apps/pilot/src/main.ts");

/** Pilot as it is started by users. */
async function pilot(flags: readonly string[]) {
  const [http, grpc, monitoring] = await freePorts(3);
  const child = startChild(process.execPath, [
    ...[MAIN, "discovery", `--httpAddr=127.0.0.1:${http}`, `--grpcAddr=127.0.0.1:${grpc}`, "--secureGrpcAddr="],
    ...[`--monitoringAddr=127.0.0.1:${monitoring}`, ...flags],
  ]);
  const hosts = async (): Promise<string> => (await fetch(`http://127.0.0.1:${http}/debug/registryz`)).text();
  return {
    has: (text: string) =>
      waitFor(
        text,
        40_000,
        async () => {
          if (child.exited) throw new Error(child.output());
          assert.ok((await hosts()).includes(text), child.output().slice(-2_000));
          return true;
        },
        100,
      ),
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

const skip = kubeMissing();

test("pilot alone serves the services of an API server", { skip }, async () => {
  await using kube = await startKube({
    controllers: false,
    apiServerFlags: ["--disable-admission-plugins=ServiceAccount"],
  });
  await using at = await pilot(["--registries=Kubernetes", `--kubeconfig=${kube.kubeconfig}`]);
  const client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await create(client, "/api/v1/namespaces/default/services", {
    metadata: { name: "reviews" },
    spec: { selector: { app: "reviews" }, ports: [{ name: "http", port: 9080 }] },
  });
  await at.has("reviews.default.svc.cluster.local");
  client.close();
});

test("pilot alone serves the services of a Consul agent", async () => {
  const entry = {
    Node: { Node: "n", Address: "10.0.0.1", Datacenter: "dc1" },
    Service: { ID: "a", Port: 9080, Tags: ["version|v1"], Meta: { protocol: "http" } },
  };
  const agent = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://consul");
    // What is waited for does not change.
    if (url.searchParams.has("index")) return;
    const body = url.pathname.startsWith("/v1/health/service/") ? [entry] : { reviews: [] };
    response.writeHead(200, { "x-consul-index": "7" }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => agent.listen(0, "127.0.0.1", done));
  using folder = tempDir();
  {
    const server = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
    await using at = await pilot(["--registries=Consul", `--consulserverURL=${server}`, `--configDir=${folder.path}`]);
    await at.has("reviews.service.consul");
  }
  agent.closeAllConnections();
  await new Promise((done) => agent.close(done));
});
