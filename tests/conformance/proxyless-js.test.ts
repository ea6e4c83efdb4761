// gRPC's client and server for Node take their configuration from pilot, without any proxy.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { register, XdsChannelCredentials } from "@grpc/grpc-js-xds";
import { freePorts } from "@xebec/testing-launch";
import { type Calls, cases, echoRecords, type Outcome } from "./proxyless-cases.ts";
import { type GrpcMesh, openGrpcMesh } from "./proxyless-mesh.ts";

const SERVERS = (await freePorts(2, "127.0.0.1")).map((port) => ({ ip: "127.0.0.1", port }));
const bytes = (value: Buffer): Buffer => value;

describe("gRPC in Node without a proxy", () => {
  let mesh: GrpcMesh;
  let servers: ChildProcess[] = [];
  const end = async (): Promise<void> => {
    for (const each of servers.splice(0)) {
      each.kill();
      if (each.exitCode === null && each.signalCode === null) await once(each, "exit");
    }
  };
  /** One of this library ends when its listener gets or loses TLS. */
  const start = async (): Promise<void> => {
    servers = SERVERS.map(({ ip, port }, i) => {
      const [name, labels] = [`v${i + 1}`, { app: "echo", version: `v${i + 1}` }];
      const bootstrap = mesh.bootstrap({ name: `echo-${name}`, ip, serviceAccount: "echo", labels });
      const env = {
        ...{ ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) },
        // Without it the library rejects listeners with authorization, and does not serve.
        GRPC_XDS_EXPERIMENTAL_RBAC: "true",
      };
      return fork(join(import.meta.dirname, "proxyless-node-server.ts"), [name, `${ip}:${port}`], { env });
    });
    for (const each of servers) {
      const [said] = await Promise.race([once(each, "message"), once(each, "exit")]);
      assert.equal(said, "ready");
    }
  };
  before(async () => {
    mesh = await openGrpcMesh(echoRecords(SERVERS));
    mesh.beforeTls = end;
    const client = { name: "client", ip: "127.0.0.9", serviceAccount: "client" };
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify(mesh.bootstrap(client));
    register();
  });
  after(async () => {
    await end();
    await mesh.close();
  });

  cases(
    () => mesh,
    async (target, calls) => {
      if (servers.length === 0) await start();
      const client = new Client(`xds:///${target}`, new XdsChannelCredentials(credentials.createInsecure()));
      try {
        return await makeCalls(client, calls);
      } finally {
        client.close();
      }
    },
  );
});

async function makeCalls(client: Client, { count, until = 0, headers = {} }: Calls): Promise<Outcome> {
  const by: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const end = Date.now() + 10_000;
  for (let done = 0; done < count || (Object.keys(by).length < until && Date.now() < end); done++) {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    await new Promise<void>((resolve) => {
      let name = "";
      const path = "/grpc.health.v1.Health/Check";
      const options = { deadline: Date.now() + 20_000 };
      const call = client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, options, (error) => {
        if (error) errors[status[error.code]] = (errors[status[error.code]] ?? 0) + 1;
        else by[name] = (by[name] ?? 0) + 1;
        resolve();
      });
      call.on("metadata", (answer) => {
        name = String(answer.get("by")[0] ?? "");
      });
    });
  }
  return { by, errors };
}
