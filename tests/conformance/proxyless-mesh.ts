// Pilot's xDS server with a mesh of gRPC's own servers, and bootstrap files for them and their clients.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { validateObject, violationsText } from "@xebec/galley-validate";
import { keyOf, type Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { type NackReport, XdsServer } from "@xebec/pilot-xds-server";
import { createGrpcServer } from "@xebec/platform-grpc";
import { yamlDocuments } from "@xebec/testing-golden";
import { createTestCa, freePorts, tempDir } from "@xebec/testing-launch";

/** Who takes a configuration. */
export interface GrpcNode {
  readonly name: string;
  readonly ip: string;
  readonly serviceAccount: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type GrpcMesh = Awaited<ReturnType<typeof openGrpcMesh>>;

export async function openGrpcMesh(records: readonly WorkloadRecord[]) {
  const folder = tempDir();
  const ca = createTestCa();
  writeFileSync(folder.file("root-cert.pem"), ca.cert);
  const metrics = createMetrics();
  const nacks: NackReport[] = [];
  const xds = new XdsServer({ metrics, onNack: (report) => nacks.push(report) });
  const builder = new MeshBuilder();
  const [port = 0] = await freePorts(1, "127.0.0.1");
  const server = createGrpcServer({
    ...{ name: "xds", address: { host: "127.0.0.1", port }, metrics },
    services: [xds.service()],
  });
  await xds.update(builder.apply({ workloads: { puts: records, deletes: [] } }));
  await server.start(new AbortController().signal);
  return {
    xds,
    /** Called before servers get or lose TLS. */
    beforeTls: async (): Promise<void> => {},
    /** What clients rejected. */
    nacks: () => nacks.map(({ proxy, message }) => `${proxy}: ${message}`),

    /** The bootstrap that gRPC takes from `GRPC_XDS_BOOTSTRAP`, as pilot-agent writes it (docs/reference/pilot.md §7.2). */
    bootstrap({ name, ip, serviceAccount, labels = {} }: GrpcNode): object {
      const { cert, key } = ca.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${serviceAccount}`] });
      writeFileSync(folder.file(`${name}-cert.pem`), cert);
      writeFileSync(folder.file(`${name}-key.pem`), key);
      return {
        xds_servers: [
          { server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
        ],
        node: {
          id: `sidecar~${ip}~${name}.default~default.svc.cluster.local`,
          locality: {},
          metadata: { GENERATOR: "grpc", NAMESPACE: "default", SERVICE_ACCOUNT: serviceAccount, LABELS: labels },
        },
        certificate_providers: {
          default: {
            plugin_name: "file_watcher",
            config: {
              certificate_file: folder.file(`${name}-cert.pem`),
              private_key_file: folder.file(`${name}-key.pem`),
              ca_certificate_file: folder.file("root-cert.pem"),
              refresh_interval: "900s",
            },
          },
        },
        server_listener_resource_name_template: "xds.istio.io/grpc/lds/inbound/%s",
      };
    },

    /** The same as a file. */
    bootstrapFile(node: GrpcNode): string {
      const path = folder.file(`${node.name}.json`);
      writeFileSync(path, JSON.stringify(this.bootstrap(node)));
      return path;
    },

    /** Does something while there are these objects. */
    async during(objects: string, work: () => Promise<void>): Promise<void> {
      const puts = yamlDocuments(objects).map(resourceOf);
      const changesTls = objects.includes("kind: PeerAuthentication");
      if (changesTls) await this.beforeTls();
      await xds.update(builder.apply({ config: { puts, deletes: [] } }));
      await this.settled();
      try {
        await work();
        assert.deepEqual(this.nacks(), []);
      } finally {
        if (changesTls) await this.beforeTls();
        await xds.update(builder.apply({ config: { puts: [], deletes: puts.map(keyOf) } }));
        await this.settled();
      }
    },

    /** Waits until all who are connected have accepted what they should have. */
    settled: async (): Promise<unknown> =>
      waitFor("everybody has what they should have", 20_000, () =>
        [...xds.connections].every((connection) =>
          [...connection.subscriptions.values()].every(({ type, names, sent, state }) => {
            const { generator } = xds;
            assert.ok(generator);
            const proxyClass = connection.proxyClass(generator);
            const { version } = generator.resources(type, connection.proxy, proxyClass, names);
            return state === "idle" && (sent.version === version || nacks.length > 0);
          }),
        ),
      ),

    async close(): Promise<void> {
      await server.close?.();
      folder.remove();
    },
  };
}

function resourceOf(value: unknown): Resource {
  const result = validateObject({ value: value as Record<string, unknown> });
  if (result.outcome === "accepted") return result.resource;
  throw new Error(result.outcome === "rejected" ? violationsText(result.violations) : result.outcome);
}
