// A citadel that signs whatever it is asked for, on a free port. For tests of those who ask it.
import { writeFileSync } from "node:fs";
import { IstioCertificateService } from "@xebec/api-mesh/istio/v1/auth/istio_ca";
import { createMetrics } from "@xebec/core-metrics";
import { createIssuer, createRoot, generateKey, parseCsr, privateKeyPem, publicKeyDer } from "@xebec/model-pki";
import { createGrpcServer, createTlsSource, service } from "@xebec/platform-grpc";

const HOUR = 3_600_000;

/** What it does with the next request; tests change it. */
export interface FakeCitadelOptions {
  uri: string;
  /** How long its certificates live, in milliseconds. */
  lifetimeMs: number;
  /** How far its clock is ahead. */
  clockMs: number;
}

/** A root with a signer. */
export function makeRoot(organization = "test") {
  const now = Date.now();
  const root = createRoot({ keyType: "P-256", organization, notBefore: now - HOUR, notAfter: now + 50 * HOUR });
  return { ...root, issuer: createIssuer(root.certificate, root.key) };
}

/** Writes its root to `root.pem` and a token to `token` in the folder. */
export async function fakeCitadel(folder: { file(name: string): string }, initial: Partial<FakeCitadelOptions> = {}) {
  const behaviour: FakeCitadelOptions = {
    uri: "spiffe://cluster.local/ns/default/sa/a",
    lifetimeMs: HOUR,
    clockMs: 0,
    ...initial,
  };
  const root = makeRoot();
  const key = generateKey("P-256");
  const own = root.issuer.issue({
    ...{ publicKey: publicKeyDer(key), names: { ips: ["127.0.0.1"] } },
    ...{ notBefore: Date.now() - HOUR, notAfter: Date.now() + HOUR },
  });
  const callers: (string | undefined)[] = [];
  const server = createGrpcServer({
    name: "citadel",
    address: { host: "127.0.0.1", port: 0 },
    tls: createTlsSource({ cert: own, key: privateKeyPem(key), ca: root.certificate }),
    metrics: createMetrics(),
    services: [
      service(IstioCertificateService, {
        createCertificate({ csr }, call) {
          callers.push(call.identity);
          const now = Date.now() + behaviour.clockMs;
          const times = { notBefore: now - 120_000, notAfter: now + behaviour.lifetimeMs };
          const names = { uris: [behaviour.uri] };
          return {
            certChain: [root.issuer.issue({ publicKey: parseCsr(csr).publicKey, names, ...times }), root.certificate],
          };
        },
      }),
    ],
  });
  await server.start(new AbortController().signal);
  writeFileSync(folder.file("root.pem"), root.certificate);
  writeFileSync(folder.file("token"), "x");
  return {
    behaviour,
    /** The identity of the client certificate of each request. */
    callers,
    root,
    options: {
      caAddress: `127.0.0.1:${server.port}`,
      caRootFile: folder.file("root.pem"),
      tokenFile: folder.file("token"),
      storeDir: folder.file("identity"),
    },
    [Symbol.asyncDispose]: async () => server.close?.(),
  };
}
