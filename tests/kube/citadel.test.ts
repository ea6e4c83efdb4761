// Citadel in a cluster: where it keeps its authority, whom it believes, and where it writes its roots.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IstioCertificateService } from "@xebec/api-mesh/istio/v1/auth/istio_ca";
import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { compose } from "@xebec/core-lifecycle";
import { createCsr, createRoot, generateKey, parseCertificate, privateKeyPem } from "@xebec/model-pki";
import { createMemoryBus } from "@xebec/platform-bus";
import { createGrpcClient } from "@xebec/platform-grpc";
import { type KubeClient, openKubeClient, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing, startKube } from "@xebec/testing-kube";
import { create } from "./galley-lab.ts";

const skip = kubeMissing();
const never = new AbortController().signal;
let kube: Kube;
let client: KubeClient;

before(async () => {
  if (skip !== undefined) return;
  kube = await startKube({ controllers: false, apiServerFlags: ["--disable-admission-plugins=ServiceAccount"] });
  client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await create(client, "/api/v1/namespaces", { metadata: { name: "istio-system" } });
});
after(async () => {
  client?.close();
  await kube?.close();
});

async function citadel(flags: readonly string[] = []) {
  const own = await openKubeClient({ kubeconfig: kube.kubeconfig });
  const { config } = loadConfig(
    CitadelConfig,
    ["--address=127.0.0.1", "--grpc-port=0", "--kubernetes=true", ...flags],
    {},
  );
  let port = 0;
  const onListening = (bound: number): void => {
    port = bound;
  };
  const bus = createMemoryBus();
  const parts = citadelComponents({ config, bus, client: own, withMonitoring: false, onListening });
  const service = compose("citadel", [bus, ...parts]);
  await service.start(never);
  return {
    port,
    missing: () => service.missing?.() ?? [],
    async [Symbol.asyncDispose]() {
      await service.close?.();
      own.close();
    },
  };
}

const text = async (
  type: typeof RESOURCES.secrets | typeof RESOURCES.configMaps,
  namespace: string,
  name: string,
  key: string,
) => {
  const { data } = await client.get(type, { namespace, name });
  const value = (data as Record<string, string> | undefined)?.[key] ?? "";
  return type === RESOURCES.secrets ? Buffer.from(value, "base64").toString() : value;
};
const rootsIn = (namespace: string): Promise<string> =>
  text(RESOURCES.configMaps, namespace, "istio-ca-root-cert", "root-cert.pem");

/** Asks for a certificate with a token. @returns the chain, leaf first */
async function certificate(port: number, token: string): Promise<readonly string[]> {
  const ca = await rootsIn("default");
  const grpc = createGrpcClient({
    ...{ descriptor: IstioCertificateService, address: { host: "127.0.0.1", port } },
    tls: { current: () => ({ ca }), onChange: () => () => undefined },
  });
  try {
    const csr = createCsr(generateKey("P-256"), {});
    const answer = await grpc.createCertificate(
      { csr, validityDuration: 600n },
      { metadata: { authorization: `Bearer ${token}` } },
    );
    return answer.certChain;
  } finally {
    grpc.close();
  }
}

async function tokenOf(serviceAccount: string, audience: string): Promise<string> {
  const { status } = await client.call<{ status: { token: string } }>({
    method: "POST",
    path: `/api/v1/namespaces/default/serviceaccounts/${serviceAccount}/token`,
    body: { spec: { audiences: [audience], expirationSeconds: 3_600 } },
  });
  return status.token;
}

test("replicas share one authority, its roots are in every namespace, and stay there", { skip }, async () => {
  await using first = await citadel();
  await using second = await citadel();
  const roots = await text(RESOURCES.secrets, "istio-system", "istio-ca-secret", "root-cert.pem");
  for (const namespace of ["default", "istio-system", "kube-system"])
    await waitFor(`the roots in ${namespace}`, 60_000, async () => (await rootsIn(namespace)) === roots, 50);
  await assert.rejects(rootsIn("kube-public"), { code: "not_found" });
  await create(client, "/api/v1/namespaces", { metadata: { name: "late" } });
  await waitFor("the roots in a new namespace", 60_000, async () => (await rootsIn("late")) === roots, 50);
  await client.delete(RESOURCES.configMaps, { namespace: "late", name: "istio-ca-root-cert" });
  await waitFor("they are made again", 60_000, async () => (await rootsIn("late")) === roots, 50);
  await client.patch(
    RESOURCES.configMaps,
    { namespace: "late", name: "istio-ca-root-cert" },
    { data: { "root-cert.pem": "x" } },
  );
  await waitFor("they are put right", 60_000, async () => (await rootsIn("late")) === roots, 50);
  assert.equal(
    Buffer.from(
      await text(RESOURCES.configMaps, "istio-system", "istio-security", "caTLSRootCert"),
      "base64",
    ).toString(),
    roots,
  );
  // Tokens of service accounts.
  await create(client, "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "sleep" } });
  const token = await tokenOf("sleep", "istio-ca");
  for (const { port } of [first, second]) {
    const [leaf = ""] = await certificate(port, token);
    assert.match(
      parseCertificate(leaf).x509.subjectAltName ?? "",
      /URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/sleep/,
    );
  }
  for (const [bad, message] of [
    [await tokenOf("sleep", "https://kubernetes.default.svc"), /not for the audience istio-ca/],
    [`${token.slice(0, -6)}AAAAAA`, /request authenticate failure/],
    ["nonsense", /not a JWT/],
  ] as const)
    await assert.rejects(certificate(first.port, bad), { code: "unauthenticated", message });
  assert.deepEqual([first.missing(), second.missing()], [[], []]);
});

test("a restart keeps the authority; one of Istio's is taken over", { skip }, async () => {
  const before = await text(RESOURCES.secrets, "istio-system", "istio-ca-secret", "ca-cert.pem");
  {
    await using _again = await citadel();
    assert.equal(await text(RESOURCES.secrets, "istio-system", "istio-ca-secret", "ca-cert.pem"), before);
  }
  const now = Date.now();
  const istio = createRoot({
    keyType: "RSA-2048",
    organization: "cluster.local",
    notBefore: now - 1_000,
    notAfter: now + 3.15e11,
  });
  await client.delete(RESOURCES.secrets, { namespace: "istio-system", name: "istio-ca-secret" });
  await create(client, "/api/v1/namespaces/istio-system/secrets", {
    ...{ metadata: { name: "istio-ca-secret" }, type: "istio.io/ca-root" },
    stringData: {
      "ca-cert.pem": istio.certificate,
      "ca-key.pem": privateKeyPem(istio.key),
      "root-cert.pem": "",
      "cert-chain.pem": "",
      "key.pem": "",
    },
  });
  await using _taken = await citadel();
  await waitFor(
    "Istio's root in the namespaces",
    60_000,
    async () =>
      parseCertificate(await rootsIn("default")).x509.fingerprint256 ===
      parseCertificate(istio.certificate).x509.fingerprint256,
    50,
  );
});

test("the Secret cacerts has the authority where there is one, also when it changes", { skip }, async () => {
  const now = Date.now();
  const made = () => {
    const root = createRoot({
      keyType: "P-256",
      organization: "operator",
      notBefore: now - 1_000,
      notAfter: now + 3.15e11,
    });
    return {
      "ca-cert.pem": root.certificate,
      "ca-key.pem": privateKeyPem(root.key),
      "root-cert.pem": root.certificate,
      "cert-chain.pem": "",
    };
  };
  const [one, two] = [made(), made()];
  await create(client, "/api/v1/namespaces/istio-system/secrets", { metadata: { name: "cacerts" }, stringData: one });
  await using _citadel = await citadel();
  const has = (files: typeof one) => async () =>
    parseCertificate(await rootsIn("default")).x509.fingerprint256 ===
    parseCertificate(files["root-cert.pem"]).x509.fingerprint256;
  await waitFor("the operator's root", 60_000, has(one), 50);
  await client.patch(RESOURCES.secrets, { namespace: "istio-system", name: "cacerts" }, { stringData: two });
  await waitFor("the other one", 60_000, has(two), 50);
  await client.delete(RESOURCES.secrets, { namespace: "istio-system", name: "cacerts" });
});

test("each service account has a Secret with its key, where Istio 1.1's agents need them", { skip }, async () => {
  await create(client, "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "web" } });
  await using _citadel = await citadel(["--server-only=false", "--listened-namespaces=default"]);
  const leafOf = (): Promise<string> => text(RESOURCES.secrets, "default", "istio.web", "cert-chain.pem");
  const leaf = await waitFor("the Secret", 60_000, leafOf, 50);
  assert.match(parseCertificate(leaf).x509.subjectAltName ?? "", /URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/web/);
  const secret = await client.get(RESOURCES.secrets, { namespace: "default", name: "istio.web" });
  assert.deepEqual(
    [secret.type, secret.metadata.annotations],
    ["istio.io/key-and-cert", { "istio.io/service-account.name": "web" }],
  );
  assert.match(await text(RESOURCES.secrets, "default", "istio.web", "key.pem"), /PRIVATE KEY/);
  await client.delete(RESOURCES.secrets, { namespace: "default", name: "istio.web" });
  const other = await waitFor("it is made again", 60_000, leafOf, 50);
  assert.notEqual(other, leaf);
  await client.patch(
    RESOURCES.secrets,
    { namespace: "default", name: "istio.web" },
    { data: { "cert-chain.pem": "eA==" } },
  );
  await waitFor("it is put right", 60_000, async () => /BEGIN CERTIFICATE/.test(await leafOf()), 50);
  await client.delete(RESOURCES.serviceAccounts, { namespace: "default", name: "web" });
  await waitFor(
    "it goes with its account",
    60_000,
    () =>
      leafOf().then(
        () => false,
        () => true,
      ),
    50,
  );
});
