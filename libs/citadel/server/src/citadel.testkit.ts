// Citadel with a memory bus on a free port, and a client of it. For tests.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { IstioCertificateService } from "@xebec/api-mesh/istio/v1/auth/istio_ca";
import { loadConfig } from "@xebec/core-config";
import { compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { createCsr, generateKey, type KeyType, privateKeyPem } from "@xebec/model-pki";
import { createMemoryBus } from "@xebec/platform-bus";
import { createGrpcClient } from "@xebec/platform-grpc";
import { citadelComponents } from "./citadel.ts";
import { CitadelConfig } from "./config.ts";

export const NEVER = new AbortController().signal;

/** @param dir its --storage-dir */
export async function startCitadel(dir: string, flags: readonly string[] = [], port = 0) {
  const { config } = loadConfig(
    CitadelConfig,
    ["--address=127.0.0.1", `--grpc-port=${port}`, `--storage-dir=${dir}`, ...flags],
    {},
  );
  const bus = createMemoryBus();
  const metrics = createMetrics();
  let bound = 0;
  const onListening = (found: number): void => {
    bound = found;
  };
  const parts = citadelComponents({ config, bus, metrics, withMonitoring: false, onListening });
  const service = compose("citadel", [bus, ...parts]);
  await service.start(NEVER);
  const close = async (): Promise<void> => service.close?.();
  return { port: bound, bus, metrics, close, [Symbol.asyncDispose]: close };
}

export interface Credentials {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Trusts the roots in `dir`. */
export function clientOf(dir: string, port: number, { cert, key, token }: Credentials = {}) {
  const ca = readFileSync(join(dir, "root-cert.pem"), "utf8");
  const tls = { current: () => ({ ca, ...(cert && key ? { cert, key } : {}) }), onChange: () => () => undefined };
  const options = token === undefined ? {} : { metadata: { authorization: `Bearer ${token}` } };
  const address = { host: "127.0.0.1", port };
  const client = createGrpcClient({ descriptor: IstioCertificateService, address, tls });
  return {
    create: (csr: string, seconds = 0) =>
      client.createCertificate({ csr, validityDuration: BigInt(seconds) }, options).then(({ certChain }) => certChain),
    close: () => client.close(),
    [Symbol.dispose]: () => client.close(),
  };
}

/** A new key and a request for it. */
export const csrOf = (keyType: KeyType = "P-256", names = {}) => {
  const key = generateKey(keyType);
  return { key: privateKeyPem(key), csr: createCsr(key, names) };
};
