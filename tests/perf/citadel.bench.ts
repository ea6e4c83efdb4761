import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { IstioCertificateRequestSchema } from "@xebec/api-mesh/istio/v1/auth/istio_ca";
import { createCsr, generateKey, signToken } from "@xebec/model-pki";
import { createGrpcChannel } from "@xebec/platform-grpc";
import { loadOrCreateTokenKey } from "@xebec/platform-identity";
import { freePorts, tempDir } from "@xebec/testing-launch";
import { Server } from "./server.ts";
import { type Figure, percentile } from "./table.ts";
import { closedLoop } from "./unary.ts";

const CREATE = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
const SECONDS = 4;

/** Certificates over gRPC with TLS and a token, for both sorts of keys. */
export async function citadelFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const type of ["P-256", "RSA-2048"] as const) {
    using folder = tempDir();
    const [grpc = 0, monitoring = 0] = await freePorts(2);
    const dir = folder.file("ca");
    const flags = [
      "--self-signed-ca",
      "--self-signed-ca-key-type",
      type,
      "--storage-dir",
      dir,
      "--address",
      "127.0.0.1",
      "--grpc-port",
      String(grpc),
      "--monitoring-port",
      String(monitoring),
      "--log_output_level",
      "default:warn",
    ];
    await using server = await Server.start("citadel", flags, `127.0.0.1:${monitoring}`, folder.file("citadel.log"));
    const token = signToken(await loadOrCreateTokenKey(dir), { namespace: "default", serviceAccount: "bench" }, 3600);
    const csr = createCsr(generateKey(type), { uris: ["spiffe://cluster.local/ns/default/sa/bench"] });
    const request = toBinary(
      IstioCertificateRequestSchema,
      create(IstioCertificateRequestSchema, { csr, validityDuration: 3600n }),
    );
    const ca = readFileSync(`${dir}/root-cert.pem`, "utf8");
    const channel = createGrpcChannel({
      address: `127.0.0.1:${grpc}`,
      tls: { current: () => ({ ca }), onChange: () => () => {} },
    });
    const one = (): Promise<unknown> =>
      channel.unary(CREATE, request, { metadata: { authorization: `Bearer ${token}` } });
    await closedLoop(8, 1, one);
    const before = server.cpuMs;
    const { count, rate, latencies } = await closedLoop(8, SECONDS, one);
    const cpu = server.cpuMs - before;
    channel.close();
    figures.push({
      what: `certificate, ${type}`,
      value: `${rate.toFixed(0)}/s, p99 ${percentile(latencies, 99).toFixed(1)} ms`,
      cpu: `${((cpu * 1000) / count).toFixed(0)} µs each`,
      goal: type === "P-256" ? "350 µs" : "1400 µs",
    });
  }
  return figures;
}
