// gRPC's Go client and server take their configuration from pilot, without any proxy.
import { after, before, describe } from "node:test";
import { freePorts } from "@xebec/testing-launch";
import { goProgram, withoutGo } from "./go.ts";
import { cases, type EchoServer, echoRecords, type Outcome } from "./proxyless-cases.ts";
import { type GrpcMesh, openGrpcMesh } from "./proxyless-mesh.ts";

const SERVERS = (await freePorts(2, "127.0.0.2")).map((port) => ({ ip: "127.0.0.2", port }));

describe("gRPC in Go without a proxy", { skip: withoutGo }, () => {
  let mesh: GrpcMesh;
  let run: (...flags: readonly string[]) => Promise<unknown>;
  before(async () => {
    mesh = await openGrpcMesh(echoRecords(SERVERS));
    run = await goProgram("proxyless");
  });
  after(() => mesh.close());

  cases(
    () => mesh,
    async (target, { count, until = 0, headers = {} }) => {
      const server = ({ ip, port }: EchoServer, i: number): string => {
        const labels = { app: "echo", version: `v${i + 1}` };
        const file = mesh.bootstrapFile({ name: `echo-v${i + 1}`, ip, serviceAccount: "echo", labels });
        return `v${i + 1}=${ip}:${port}=${file}`;
      };
      const client = mesh.bootstrapFile({ name: "client", ip: "127.0.0.9", serviceAccount: "client" });
      const { by, errors } = (await run(
        ...[
          `-bootstrap=${client}`,
          `-target=${target}`,
          `-count=${count}`,
          `-until=${until}`,
          `-servers=${SERVERS.map(server).join()}`,
        ],
        `-headers=${Object.entries(headers)
          .map(([name, value]) => `${name}=${value}`)
          .join()}`,
      )) as Outcome;
      const inCapitals = (name: string): string => name.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
      return { by, errors: Object.fromEntries(Object.entries(errors).map(([name, n]) => [inCapitals(name), n])) };
    },
  );
});
