// Pilot and Mixer have nothing but galley's MCP, and a real Envoy has nothing but pilot.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CompressedAttributesSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { Mixer } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { createGrpcClient } from "@xebec/platform-grpc";
import { createTestCa, type Envoy, freePorts, type TempDir, tempDir } from "@xebec/testing-launch";
import { ask, type StartedService, startBackend, startGateway, startPilot, startService } from "./lab/mcp-mesh.ts";

const NETWORKING = "networking.istio.io/v1alpha3";
const object = (apiVersion: string, kind: string, name: string, spec: object, namespace = "default") => ({
  ...{ apiVersion, kind, metadata: { name, namespace }, spec },
});

describe("galley's MCP", () => {
  const dir: TempDir = tempDir();
  const files: TempDir = tempDir();
  const started: StartedService[] = [];
  let envoy: Envoy;
  let backend: Awaited<ReturnType<typeof startBackend>>;
  let ports: readonly number[];
  let galley: StartedService;
  let pilot: Awaited<ReturnType<typeof startPilot>>;

  const write = (name: string, ...objects: object[]) =>
    writeFileSync(dir.file(name), objects.map((each) => JSON.stringify(each)).join("\n---\n"));
  const route = (word: string, ...more: object[]) =>
    write(
      "route.yaml",
      object(NETWORKING, "VirtualService", "route", {
        ...{ hosts: ["shop.example.com"], gateways: ["istio-system/gateway"] },
        http: [
          {
            timeout: "1m30s",
            headers: { response: { add: { word } } },
            route: [{ destination: { host: "shop.example.com" } }],
          },
        ],
      }),
      ...more,
    );
  const startGalley = () => {
    const [mcp, monitoring = 0, push] = ports;
    galley = startService("galley", monitoring, [
      ...["--configPath", dir.path, "--enable-validation=false", "--enable-server", "--server-address"],
      ...[`tcp://127.0.0.1:${mcp}`, "--tlsCertFile", files.file("cert.pem"), "--tlsKeyFile", files.file("key.pem")],
      ...["--caCertFile", files.file("ca.pem"), "--accessListFile", files.file("allowed.yaml")],
      ...["--monitoringAddress", "127.0.0.1", "--monitoringPort", String(monitoring), "--domain", `d${push}.local`],
    ]);
    started.push(galley);
  };
  /** Asks the gateway. */
  const word = async (): Promise<string> => {
    const { status, headers, text } = await ask(ports[3] ?? 0, "shop.example.com");
    return status === 200 ? `${headers.word} ${text}` : String(status);
  };
  const says = async (expected: string, limit = 10_000): Promise<void> => {
    await waitFor(`the gateway answers ${expected}`, limit, async () => (await word().catch(() => "")) === expected);
  };
  const certificate = (suffix: string, identity: string, ca = authority) => {
    const own = ca.issue({ uris: [identity], dns: ["istio-galley.istio-system.svc"], ips: ["127.0.0.1"] });
    writeFileSync(files.file(`cert${suffix}.pem`), own.cert);
    writeFileSync(files.file(`key${suffix}.pem`), own.key);
  };
  const authority = createTestCa();

  before(async () => {
    ports = await freePorts(6);
    backend = await startBackend("shop");
    writeFileSync(files.file("ca.pem"), authority.cert);
    certificate("", "spiffe://cluster.local/ns/istio-system/sa/galley");
    certificate("-pilot", "spiffe://cluster.local/ns/istio-system/sa/pilot");
    certificate("-other", "spiffe://cluster.local/ns/default/sa/other");
    writeFileSync(
      files.file("allowed.yaml"),
      "IsBlackList: false\nAllowed:\n- spiffe://cluster.local/ns/istio-system/sa/pilot\n",
    );
    write(
      "mesh.yaml",
      object(
        NETWORKING,
        "Gateway",
        "gateway",
        {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: ports[3], name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        },
        "istio-system",
      ),
      object(NETWORKING, "ServiceEntry", "shop", {
        ...{ hosts: ["shop.example.com"], location: "MESH_EXTERNAL", resolution: "STATIC" },
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        endpoints: [{ address: "127.0.0.1", ports: { http: backend.port } }],
      }),
      ...["handler", "instance"].map((kind) =>
        object(
          "config.istio.io/v1alpha2",
          kind,
          "deny",
          kind === "handler"
            ? { compiledAdapter: "denier", params: { status: { code: 7, message: "over MCP" } } }
            : { compiledTemplate: "checknothing" },
          "istio-system",
        ),
      ),
      object(
        "config.istio.io/v1alpha2",
        "rule",
        "deny",
        { match: 'request.path == "/denied"', actions: [{ handler: "deny", instances: ["deny"] }] },
        "istio-system",
      ),
    );
    route("first");
    startGalley();
    pilot = await startPilot([
      ...["--mcpServerAddrs", `mcps://127.0.0.1:${ports[0]}`, "--certFile", files.file("cert-pilot.pem")],
      ...["--keyFile", files.file("key-pilot.pem"), "--caCertFile", files.file("ca.pem"), "--registries", "MCP"],
    ]);
    started.push(pilot);
    await pilot.ready();
    envoy = await startGateway(pilot.xds);
  });
  after(async () => {
    await envoy?.close();
    await Promise.all(started.map((each) => each.stop()));
    backend?.server.close();
    files.remove();
    dir.remove();
  });

  it("gives pilot what an Envoy serves", () => says("first shop"));

  it("brings a change, and leaves the last good form of what is not valid", async () => {
    route("second");
    await says("second shop");
    write("route.yaml", object(NETWORKING, "VirtualService", "route", { hosts: ["shop.example.com"], htpp: [] }));
    await waitFor("galley reports it", 5_000, () => galley.child.output().includes("htpp"));
    assert.equal(await word(), "second shop");
  });

  it("may be away: what came stays, and what has changed meanwhile comes when it is back", async () => {
    await galley.stop();
    assert.equal(await word(), "second shop");
    route("third");
    startGalley();
    await says("third shop", 30_000);
    write("route.yaml");
    await waitFor("the route is gone", 10_000, async () => (await word()) === "404");
    route("third");
  });

  it("is for those whom the access list names", async () => {
    const other = await startPilot([
      ...["--mcpServerAddrs", `mcps://127.0.0.1:${ports[0]}`, "--certFile", files.file("cert-other.pem")],
      ...["--keyFile", files.file("key-other.pem"), "--caCertFile", files.file("ca.pem")],
    ]);
    started.push(other);
    await waitFor("pilot says why", 20_000, () => other.child.output().includes("is not allowed by the access list"));
    await other.stop();
  });

  it("gives Mixer its rules", async () => {
    const [, , , , address, monitoring = 0] = ports;
    const mixer = startService("mixer-policy", monitoring, [
      ...["--configStoreURL", `mcps://127.0.0.1:${ports[0]}`, "--certFile", files.file("cert-pilot.pem")],
      ...["--keyFile", files.file("key-pilot.pem"), "--caCertFile", files.file("ca.pem")],
      ...["--address", `127.0.0.1:${address}`, "--secureAddr", "", "--monitoringAddress", "127.0.0.1"],
      ...["--monitoringPort", String(monitoring)],
    ]);
    started.push(mixer);
    await mixer.ready();
    const client = createGrpcClient({ descriptor: Mixer, address: `127.0.0.1:${address}` });
    const check = async (path: string) => {
      const attributes = create(CompressedAttributesSchema, {
        words: ["request.path", path, "context.protocol", "http"],
        strings: { [-1]: -2, [-3]: -4 },
      });
      return (await client.check({ attributes, globalWordCount: 221 })).precondition?.status;
    };
    const denied = await check("/denied");
    assert.deepEqual([denied?.code, denied?.message.includes("over MCP")], [7, true]);
    assert.equal((await check("/"))?.code ?? 0, 0);
    client.close();
  });
});
