// What a Gateway's servers make of TLS, with real certificates.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createIssuer, createRoot, generateKey, privateKeyPem, publicKeyDer } from "@xebec/model-pki";
import { createTestCa, tempDir } from "@xebec/testing-launch";
import { caSecret, secret, tlsSecret } from "./lab/kubernetes-secrets.ts";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const SERVERS = createTestCa("servers");
const CLIENTS = createTestCa("clients");
const STRANGERS = createTestCa("strangers");
const FILES = tempDir();
const file = (name: string, text: string): string => {
  writeFileSync(FILES.file(name), text);
  return FILES.file(name);
};
const server = (name: string) => SERVERS.issue({ dns: [name] });
const client = CLIENTS.issue({ dns: ["client.example.com"] });
const other = CLIENTS.issue({ dns: ["other.example.com"] });
const revoked = CLIENTS.issue({ dns: ["revoked.example.com"] });
const stranger = STRANGERS.issue({ dns: ["client.example.com"] });
const CRL = CLIENTS.revoke([revoked.cert]);

/** A certificate with a key of ECDSA. */
function ecPair(name: string) {
  const times = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 86_400_000 };
  const root = createRoot({ keyType: "P-256", organization: "ec", ...times });
  const key = generateKey("P-256");
  const cert = createIssuer(root.certificate, root.key).issue({
    ...{ publicKey: publicKeyDer(key), names: { dns: [name] }, ...times },
  });
  return { cert, key: privateKeyPem(key) };
}

/** What a proxy says whose agent is Xebec's. */
const OWN_AGENT = { WASM_CLUSTER: "sds-grpc" };
const INGRESS = { istio: "ingress" };
interface Server {
  readonly tls?: object;
  readonly protocol?: string;
  readonly number?: number;
  readonly hosts?: readonly string[];
  readonly more?: object;
}
/** A Gateway with one server for `NAME.example.com`, on port 8443 with HTTPS unless it says something else. */
const gateway = (name: string, { tls, protocol = "HTTPS", number = 8443, hosts, more }: Server): object =>
  object(
    "Gateway",
    name,
    {
      selector: INGRESS,
      servers: [
        {
          ...{ port: { number, name: "web", protocol }, hosts: hosts ?? [`${name}.example.com`], ...more },
          ...(tls ? { tls } : {}),
        },
      ],
    },
    { namespace: "gateways" },
  );
/** A VirtualService that leads all of a Gateway to the service of its name. */
const routed = (name: string, rules: object = {}): object =>
  object("VirtualService", name, {
    ...{ hosts: [`${name}.example.com`], gateways: [`gateways/${name}`] },
    http: [{ route: [{ destination: { host: `${name}.default.svc.cluster.local` } }] }],
    ...rules,
  });

const spki = (cert: string): string =>
  createHash("sha256")
    .update(new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
const fingerprint = (cert: string): string => createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");

/** Gateways of cases that differ in nothing but TLS, each with its Secret and its service. */
const TLS: Readonly<Record<string, object>> = {
  simple: { mode: "SIMPLE", credentialName: "simple" },
  second: { mode: "SIMPLE", credentialName: "second" },
  generic: { mode: "SIMPLE", credentialName: "kubernetes://gateways/generic" },
  both: { mode: "SIMPLE", credentialNames: ["both-rsa", "both-ec"] },
  mutual: { mode: "MUTUAL", credentialName: "mutual" },
  combined: { mode: "MUTUAL", credentialName: "combined" },
  optional: { mode: "OPTIONAL_MUTUAL", credentialName: "mutual" },
  authority: { mode: "MUTUAL", credentialName: "simple", caCertCredentialName: "authority" },
  bundle: { mode: "MUTUAL", credentialName: "simple", caCertCredentialName: "configmap://gateways/bundle" },
  named: { mode: "MUTUAL", credentialName: "mutual", subjectAltNames: ["client.example.com"] },
  hashed: { mode: "MUTUAL", credentialName: "mutual", verifyCertificateHash: [fingerprint(client.cert)] },
  keyed: { mode: "MUTUAL", credentialName: "mutual", verifyCertificateSpki: [spki(client.cert)] },
  newest: { mode: "SIMPLE", credentialName: "simple", minProtocolVersion: "TLSV1_3" },
  older: {
    ...{ mode: "SIMPLE", credentialName: "simple", minProtocolVersion: "TLSV1_1", maxProtocolVersion: "TLSV1_2" },
    cipherSuites: ["ECDHE-RSA-AES256-GCM-SHA384", "NONE-SUCH", "ECDHE-RSA-AES256-GCM-SHA384"],
  },
  files: {
    ...{ mode: "MUTUAL", caCertificates: file("clients.pem", CLIENTS.cert), caCrl: file("crl.pem", CRL) },
    ...{ serverCertificate: FILES.file("files.pem"), privateKey: FILES.file("files.key") },
  },
  pairs: {
    mode: "SIMPLE",
    tlsCertificates: ["rsa", "ec"].map((each) => ({
      ...{ serverCertificate: FILES.file(`${each}.pem`), privateKey: FILES.file(`${each}.key`) },
    })),
  },
  mesh: { mode: "ISTIO_MUTUAL" },
  meshrevoked: { mode: "ISTIO_MUTUAL", caCrl: file("mesh-crl.pem", CRL) },
  meshnamed: { mode: "ISTIO_MUTUAL", subjectAltNames: ["spiffe://cluster.local/ns/default/sa/friend"] },
  rotated: { mode: "SIMPLE", credentialName: "rotated" },
  late: { mode: "SIMPLE", credentialName: "late" },
  foreign: { mode: "SIMPLE", credentialName: "default/foreign" },
};

const named = (name: string) => tlsSecret(name, server(`${name}.example.com`));

describe("TLS at a Gateway through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    const filePair = server("files.example.com");
    file("files.pem", filePair.cert);
    file("files.key", filePair.key);
    const rsa = server("pairs.example.com");
    const ec = ecPair("pairs.example.com");
    for (const [name, pair] of Object.entries({ rsa, ec })) {
      file(`${name}.pem`, pair.cert);
      file(`${name}.key`, pair.key);
    }
    const mutual = server("mutual.example.com");
    const combined = server("combined.example.com");
    const names = Object.keys(TLS);
    lab = await openLab({
      proxies: {
        ingress: { kind: "gateway", ip: "10.1.0.1", namespace: "gateways", labels: INGRESS, metadata: OWN_AGENT },
      },
      services: names.map((name, i) => host(name, { pods: [{ name, ip: `10.48.0.${i + 1}` }] })),
      secrets: [
        ...["simple", "second", "rotated"].map(named),
        secret("generic", genericPair(server("generic.example.com"))),
        tlsSecret("both-rsa", server("both.example.com")),
        tlsSecret("both-ec", ecPair("both.example.com")),
        secret("mutual", genericPair(mutual)),
        caSecret("mutual-cacert", CLIENTS.cert),
        secret("combined", {
          "tls.crt": combined.cert,
          "tls.key": combined.key,
          "ca.crt": CLIENTS.cert,
          "ca.crl": CRL,
        }),
        caSecret("authority", CLIENTS.cert),
        { ...caSecret("bundle", CLIENTS.cert), kind: "ConfigMap" },
        tlsSecret("foreign", server("foreign.example.com"), "default"),
      ],
      objects: [
        ...Object.entries(TLS).flatMap(([name, tls]) => [gateway(name, { tls }), routed(name)]),
        gateway("everyone", { tls: { mode: "SIMPLE", credentialName: "second" }, hosts: ["*"], number: 8444 }),
        object("VirtualService", "everyone", {
          ...{ hosts: ["*"], gateways: ["gateways/everyone"] },
          http: [{ route: [{ destination: { host: "second" } }] }],
        }),
      ],
    });
  });
  after(async () => {
    await lab.close();
    FILES.remove();
  });

  type Tls = NonNullable<HttpCall["tls"]>;
  /** Calls a host by HTTPS. @returns who answered, or a status, or `refused` */
  const call = async (name: string, tls: Tls = {}, more: Partial<HttpCall> = {}) => {
    const url = `https://${name}.example.com:8443/`;
    return lab.http({ to: "ingress", url, tls: { sni: `${name}.example.com`, ...tls }, ...more });
  };
  const get = async (...args: Parameters<typeof call>): Promise<string> => {
    const { by, status, error } = await call(...args);
    return by || (error ? "refused" : String(status));
  };
  const as = ({ cert, key }: { readonly cert: string; readonly key: string }): Tls => ({ cert, key });

  it("tls.mode SIMPLE and credentialName: SNI chooses the server, its certificate and its routes", async () => {
    for (const name of ["simple", "second"]) {
      const { by, peer } = await call(name);
      assert.deepEqual([by, peer], [name, `DNS:${name}.example.com`]);
    }
    assert.equal(await get("simple", { sni: "nobody.example.com" }), "refused");
    // The handshake chose the server: another host has no route there.
    assert.equal(await get("simple", {}, { headers: { host: "second.example.com" } }), "404");
  });

  it("servers.hosts `*`: every name, and clients that send none", async () => {
    for (const tls of [{ sni: "any.example.com" }, {}])
      assert.equal((await lab.http({ to: "ingress", url: "https://any.example.com:8444/", tls })).by, "second");
  });

  it("TLS: HTTP/2 by ALPN", async () =>
    assert.equal(await get("simple", { alpn: ["h2"] }, { version: "2" }), "simple"));

  it("credentialName with a namespace, and a generic Secret", async () =>
    assert.equal(await get("generic"), "generic"));

  it("credentialName: a Secret of another namespace is for nobody", async () =>
    assert.equal(await get("foreign"), "refused"));

  it("credentialNames: the certificate that the client can use", async () => {
    for (const [kind, ciphers] of [
      ["rsa", "ECDHE-RSA-AES128-GCM-SHA256"],
      ["ec", "ECDHE-ECDSA-AES128-GCM-SHA256"],
    ] as const)
      assert.equal((await call("both", { version: "TLSv1.2", ciphers })).cipher, ciphers, kind);
  });

  it("tlsCertificates: the same from files", async () => {
    for (const ciphers of ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"])
      assert.equal((await call("pairs", { version: "TLSv1.2", ciphers })).cipher, ciphers);
  });

  it("tls.mode MUTUAL: a client certificate of the authorities in NAME-cacert", async () => {
    const { by, got } = await call("mutual", as(client));
    assert.equal(by, "mutual");
    assert.match(got?.headers["x-forwarded-client-cert"] ?? "", /DNS=client\.example\.com/);
    assert.deepEqual([await get("mutual"), await get("mutual", as(stranger))], ["refused", "refused"]);
  });

  it("tls.mode MUTUAL: authorities and a list of revoked certificates in the same Secret", async () =>
    assert.deepEqual([await get("combined", as(client)), await get("combined", as(revoked))], ["combined", "refused"]));

  it("tls.mode OPTIONAL_MUTUAL: with a certificate or without, but none of a stranger", async () =>
    assert.deepEqual(
      [await get("optional"), await get("optional", as(client)), await get("optional", as(stranger))],
      ["optional", "optional", "refused"],
    ));

  it("caCertCredentialName: a Secret or a ConfigMap with the authorities", async () => {
    for (const name of ["authority", "bundle"])
      assert.deepEqual([await get(name, as(client)), await get(name, as(stranger))], [name, "refused"]);
  });

  it("subjectAltNames, verifyCertificateHash and verifyCertificateSpki: of all clients only some", async () => {
    for (const name of ["named", "hashed", "keyed"])
      assert.deepEqual([await get(name, as(client)), await get(name, as(other))], [name, "refused"], name);
  });

  it("minProtocolVersion, maxProtocolVersion and cipherSuites", async () => {
    assert.deepEqual(
      [await get("newest", { version: "TLSv1.3" }), await get("newest", { version: "TLSv1.2" })],
      ["newest", "refused"],
    );
    const ciphers = "ECDHE-RSA-AES256-GCM-SHA384";
    assert.equal((await call("older", { version: "TLSv1.2" })).cipher, ciphers);
    assert.equal(await get("older", { version: "TLSv1.3" }), "refused");
    assert.equal(await get("older", { version: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }), "refused");
    assert.equal(await get("simple", { version: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }), "refused");
  });

  it("serverCertificate, privateKey, caCertificates and caCrl: files, which are read again", async () => {
    assert.deepEqual(
      [await get("files", as(client)), await get("files", as(stranger)), await get("files", as(revoked))],
      ["files", "refused", "refused"],
    );
    const next = server("next.example.com");
    file("files.key", next.key);
    file("files.pem", next.cert);
    await waitFor("the new certificate is served", 10_000, async () =>
      ((await call("files", as(client))).peer ?? "").includes("next.example.com"),
    );
  });

  it("caCrl: a client is refused after its certificate was revoked", async () => {
    const late = CLIENTS.issue({ dns: ["late.example.com"] });
    assert.equal(await get("files", as(late)), "files");
    file("crl.pem", CLIENTS.revoke([revoked.cert, late.cert]));
    await waitFor("the client is refused", 10_000, async () => (await get("files", as(late))) === "refused");
    assert.equal(await get("files", as(client)), "files");
    // A list that cannot be used leaves the last one.
    file("crl.pem", "gone");
    const friend = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/friend"] });
    // Of an authority without a list nobody is trusted.
    assert.equal(await get("meshrevoked", as(friend)), "refused");
    file("mesh-crl.pem", lab.ca.revoke([]));
    await waitFor("the friend is taken", 10_000, async () => (await get("meshrevoked", as(friend))) === "meshrevoked");
    file("mesh-crl.pem", lab.ca.revoke([friend.cert]));
    await waitFor("the friend is refused", 10_000, async () => (await get("meshrevoked", as(friend))) === "refused");
    assert.deepEqual([await get("files", as(late)), await get("files", as(client))], [...["refused", "files"]]);
  });

  it("tls.mode ISTIO_MUTUAL: clients of the mesh, all or those that are named", async () => {
    const friend = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/friend"] });
    const neighbour = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/neighbour"] });
    assert.deepEqual(
      [await get("mesh", as(neighbour)), await get("mesh"), await get("mesh", as(client))],
      [...["mesh", "refused", "refused"]],
    );
    assert.deepEqual(
      [await get("meshnamed", as(friend)), await get("meshnamed", as(neighbour))],
      [...["meshnamed", "refused"]],
    );
  });

  it("a Secret that changes comes alone, and cuts no connection", async () => {
    const before = await lab.envoys.get("ingress")?.admin("/stats?filter=lds.update_success|cds.update_success");
    const url = "https://rotated.example.com:8443/";
    const open = await lab.keepAlive({ to: "ingress", url, tls: { sni: "rotated.example.com" } });
    assert.equal((await open.request()).by, "rotated");
    await lab.keep([tlsSecret("rotated", SERVERS.issue({ dns: ["renewed.example.com"] }))]);
    const { by, peer } = await call("rotated");
    assert.deepEqual([by, peer], ["rotated", "DNS:renewed.example.com"]);
    assert.equal((await open.request()).by, "rotated");
    await open.close();
    assert.equal(await lab.envoys.get("ingress")?.admin("/stats?filter=lds.update_success|cds.update_success"), before);
  });

  it("a Secret that is missing or bad harms nobody else, and is used when it is there", async () => {
    assert.deepEqual([await get("late"), await get("simple")], ["refused", "simple"]);
    await lab.keep([named("late")]);
    assert.equal(await get("late"), "late");
    const [good, bad] = [server("late.example.com"), server("late.example.com")];
    await lab.keep([tlsSecret("late", { cert: good.cert, key: bad.key })]);
    await lab.keep([tlsSecret("late", { cert: "none", key: good.key })]);
    await lab.keep([], ["Secret/gateways/late"]);
    assert.equal(await get("late"), "late");
  });
});

function genericPair({ cert, key }: { readonly cert: string; readonly key: string }) {
  return { cert, key };
}
