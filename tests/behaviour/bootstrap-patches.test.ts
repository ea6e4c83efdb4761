// BOOTSTRAP patches of EnvoyFilters: the agent asks pilot for them, and starts Envoy with them.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { BootstrapPatch } from "@xebec/platform-envoy/bootstrap-patch";
import { findTool, tempDir } from "@xebec/testing-launch";
import { bootstrap, LabEnvoy } from "./lab/envoy.ts";
import { type Lab, openLab } from "./lab/lab.ts";

/** A static listener that answers by itself. */
const listener = (path: string, text: string, statPrefix = "mine") => ({
  ...{ name: text, address: { pipe: { path } } },
  filter_chains: [
    {
      filters: [
        {
          name: "envoy.filters.network.http_connection_manager",
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix: statPrefix,
            http_filters: [
              {
                name: "envoy.filters.http.router",
                typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
              },
            ],
            route_config: {
              virtual_hosts: [
                {
                  ...{ name: "all", domains: ["*"] },
                  routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: text } } }],
                },
              ],
            },
          },
        },
      ],
    },
  ],
});

const filter = (name: string, app: string, value: object, context = "ANY") => ({
  ...{ apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter", metadata: { name, namespace: "default" } },
  spec: {
    workloadSelector: { labels: { app } },
    configPatches: [{ applyTo: "BOOTSTRAP", match: { context }, patch: { operation: "MERGE", value } }],
  },
});

function ask(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: "/", agent: false }, (response) => {
      response.setEncoding("utf8").on("data", (text: string) => resolve(text));
    });
    call.on("error", reject).end();
  });
}

describe("BOOTSTRAP patches of EnvoyFilters", () => {
  const folder = tempDir();
  let lab: Lab;
  const patches: BootstrapPatch[] = [];
  const envoys: LabEnvoy[] = [];
  const socket = (name: string): string => folder.file(`${name}.sock`);
  before(async () => {
    lab = await openLab({
      proxies: {
        good: { kind: "captured", ip: "10.1.0.1", labels: { app: "good" } },
        bad: { kind: "captured", ip: "10.1.0.2", labels: { app: "bad" } },
      },
      objects: [
        filter("one", "good", { static_resources: { listeners: [listener(socket("one"), "one")] } }),
        filter("two", "good", { static_resources: { listeners: [listener(socket("two"), "two")] } }),
        filter("gateways", "good", { static_resources: { listeners: [{ name: "no" }] } }, "GATEWAY"),
        // Envoy wants a prefix.
        filter("wrong", "bad", { static_resources: { listeners: [listener(socket("wrong"), "wrong", "")] } }),
      ],
    });
  });
  after(async () => {
    for (const each of patches) each.close();
    for (const each of envoys) await each.stop();
    await lab?.close();
    folder.remove();
  });

  /** Starts the Envoy of a proxy as its agent does. @param unreachable true while pilot is away */
  async function start(name: string, unreachable = false): Promise<LabEnvoy> {
    const { target, node } = lab.agentOf(name);
    const pilot = unreachable ? { address: { path: folder.file("nobody.sock") } } : target;
    // What one proxy was started with is not another one's.
    const own = folder.file(name);
    mkdirSync(own, { recursive: true });
    const patch = new BootstrapPatch({ pilot, node, program: findTool("envoy"), folder: own, patienceMs: 50 });
    patches.push(patch);
    const plain = bootstrap(node, (target.address as { path: string }).path, {
      admin: { pipe: { path: folder.file(`${name}-admin.sock`) } },
    });
    const change = await patch.applied(plain, new AbortController().signal);
    const envoy = new LabEnvoy(`${name}-patched`, node, "/nobody", folder.path, lab.namespace, "127.0.0.1:53", {
      change: () => change,
    });
    envoys.push(envoy);
    return envoy;
  }

  it("MERGE into BOOTSTRAP: the proxies that it selects are started with it, also while pilot is away", async () => {
    for (const isAway of [false, true]) {
      const envoy = await start("good", isAway);
      for (const name of ["one", "two"])
        await waitFor(`the listener ${name} answers`, 10_000, async () => {
          assert.ok(!envoy.exited, envoy.output());
          return (await ask(socket(name)).catch(() => "")) === name;
        });
      await envoy.stop();
    }
  });

  it("one that Envoy refuses is left out, and pilot hears why", async () => {
    await start("bad");
    const reason = /bad.*rejects a bootstrap: .*StatPrefix.*started without its patches/s;
    // The proxy is started before pilot has heard it.
    await waitFor("pilot hears why", 10_000, () =>
      lab.settled().then(
        () => false,
        (error: Error) => reason.test(error.message),
      ),
    );
  });
});
