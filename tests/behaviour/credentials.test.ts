// Certificates of clients: Secrets that DestinationRules name, at gateways and sidecars, and lists of revoked certificates.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createTestCa, tempDir } from "@xebec/testing-launch";
import { caSecret, secret } from "./lab/kubernetes-secrets.ts";
import { type Lab, openLab } from "./lab/lab.ts";
import { entry, object, policy } from "./objects.ts";

const PUBLIC = createTestCa("public");
const OTHER = createTestCa("other");
const FILES = tempDir();
const file = (name: string, text: string): string => {
  writeFileSync(FILES.file(name), text);
  return FILES.file(name);
};
const client = (name: string) => {
  const { cert, key } = PUBLIC.issue({ commonName: name, dns: [name] });
  return { cert, key };
};
const revoked = PUBLIC.issue({ dns: ["revoked.example.com"] });
const good = PUBLIC.issue({ dns: ["good.example.com"] });

const HOSTS = ["egress", "selected", "unselected", "simple", "files", "revoked", "good"];
const nameOf = (name: string): string => `${name}.example.com`;
const addressOf = (name: string): string => `10.50.0.${HOSTS.indexOf(name) + 1}`;
/** A connection for each request, so that each request shows the newest certificate. */
const ONE_EACH = { connectionPool: { http: { maxRequestsPerConnection: 1 } } };
const HTTP = { number: 80, name: "http", protocol: "HTTP", targetPort: 443 };
const EGRESS = { istio: "egress" };

describe("the certificates of a client through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    const own = client("files-1");
    const pair = { clientCertificate: file("own.pem", own.cert), privateKey: file("own.key", own.key) };
    const roots = file("roots.pem", PUBLIC.cert);
    const crl = file("crl.pem", PUBLIC.revoke([revoked.cert]));
    const tls = (name: string, settings: object, more: object = {}) =>
      policy(nameOf(name), { tls: settings, ...ONE_EACH }, more);
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1", labels: { app: "client" }, metadata: { WASM_CLUSTER: "sds-grpc" } },
        egress: { kind: "gateway", ip: "10.1.0.2", namespace: "gateways", labels: EGRESS },
      },
      services: [
        {
          ...{ name: "egressgateway", namespace: "gateways", address: "10.97.9.1", ports: { https: 8443 } },
          pods: [{ name: "egressgateway", ip: "10.1.0.2", sidecar: true }],
        },
      ],
      upstreams: HOSTS.map((name) => ({
        ...{ name, at: `${addressOf(name)}:443` },
        tls: { revoked, good }[name] ?? PUBLIC.issue({ dns: [nameOf(name)] }),
      })),
      secrets: [
        secret("client", { ...client("egress-1"), cacert: PUBLIC.cert }),
        secret("client", { ...client("selected-1"), cacert: PUBLIC.cert }, "default"),
        caSecret("roots-cacert", PUBLIC.cert),
        caSecret("wrong-cacert", OTHER.cert),
      ],
      objects: [
        ...HOSTS.map((name) => entry(nameOf(name), { ports: [HTTP], endpoints: [{ address: addressOf(name) }] })),
        // The tutorial's way out: the sidecar speaks mutual TLS with the gateway, and that TLS with the server.
        object("Gateway", "egress", {
          selector: EGRESS,
          servers: [
            {
              port: { number: 8443, name: "https", protocol: "HTTPS" },
              ...{ hosts: [nameOf("egress"), nameOf("simple")], tls: { mode: "ISTIO_MUTUAL" } },
            },
          ],
        }),
        policy("egressgateway.gateways.svc.cluster.local", {
          portLevelSettings: [{ port: { number: 8443 }, tls: { mode: "ISTIO_MUTUAL", sni: nameOf("egress") } }],
        }),
        object("VirtualService", "way-out", {
          ...{ hosts: [nameOf("egress"), nameOf("simple")], gateways: ["mesh", "egress"] },
          http: [
            {
              match: [{ gateways: ["mesh"], port: 80 }],
              route: [{ destination: { host: "egressgateway.gateways.svc.cluster.local", port: { number: 8443 } } }],
            },
            {
              match: [{ gateways: ["egress"], authority: { exact: nameOf("simple") } }],
              route: [{ destination: { host: nameOf("simple"), port: { number: 80 } } }],
            },
            {
              match: [{ gateways: ["egress"] }],
              route: [{ destination: { host: nameOf("egress"), port: { number: 80 } } }],
            },
          ],
        }),
        tls("egress", { mode: "MUTUAL", credentialName: "client" }),
        tls("simple", { mode: "SIMPLE", credentialName: "roots" }),
        tls(
          "selected",
          { mode: "MUTUAL", credentialName: "client" },
          { workloadSelector: { matchLabels: { app: "client" } } },
        ),
        tls("unselected", { mode: "MUTUAL", credentialName: "client" }),
        tls("files", { mode: "MUTUAL", ...pair, caCertificates: roots }),
        tls("revoked", { mode: "SIMPLE", caCertificates: roots, caCrl: crl, subjectAltNames: ["revoked.example.com"] }),
        tls("good", { mode: "SIMPLE", caCertificates: roots, caCrl: crl }),
      ],
    });
  });
  after(async () => {
    await lab.close();
    FILES.remove();
  });

  const get = (name: string) => lab.http({ through: "client", url: `http://${nameOf(name)}/` });

  it("tls.credentialName at a gateway: the sidecar's mutual TLS ends there, and its own begins", async () => {
    const { by, got } = await get("egress");
    assert.equal(by, "egress");
    assert.match(got?.tls?.client ?? "", /egress-1/);
    assert.match(
      got?.headers["x-forwarded-client-cert"] ?? "",
      /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/default/,
    );
  });

  it("tls.credentialName with mode SIMPLE: its authorities alone", async () => {
    const { by, got } = await get("simple");
    assert.deepEqual([by, got?.tls?.client], ["simple", ""]);
    const wrong = policy(nameOf("simple"), { tls: { mode: "SIMPLE", credentialName: "wrong" } });
    const right = policy(nameOf("simple"), { tls: { mode: "SIMPLE", credentialName: "roots" } });
    await lab.apply([wrong]);
    assert.equal((await get("simple")).status, 503);
    await lab.apply([right]);
    assert.equal((await get("simple")).status, 200);
  });

  it("tls.credentialName at a sidecar: of a rule that selects it, and of no other", async () => {
    const { by, got } = await get("selected");
    assert.deepEqual([by, /selected-1/.test(got?.tls?.client ?? "")], ["selected", true]);
    // As in Istio it calls in plaintext, which a server of TLS does not take for a handshake.
    assert.equal((await get("unselected")).got?.tls, undefined);
  });

  it("a Secret of a client that changes is used for the next connection", async () => {
    await lab.keep([secret("client", { ...client("egress-2"), cacert: PUBLIC.cert })]);
    await waitFor("the gateway has a new connection", 10_000, async () =>
      /egress-2/.test((await get("egress")).got?.tls?.client ?? ""),
    );
  });

  it("tls.clientCertificate and tls.privateKey: files, which are read again", async () => {
    assert.match((await get("files")).got?.tls?.client ?? "", /files-1/);
    const next = client("files-2");
    file("own.key", next.key);
    file("own.pem", next.cert);
    await waitFor("the new certificate is shown", 10_000, async () =>
      /files-2/.test((await get("files")).got?.tls?.client ?? ""),
    );
  });

  it("tls.caCrl: a server whose certificate was revoked is refused", async () =>
    assert.deepEqual([(await get("good")).status, (await get("revoked")).status], [200, 503]));

  it("tls.caCrl: a server is refused after its certificate was revoked, and taken when the list changes back", async () => {
    file("crl.pem", PUBLIC.revoke([revoked.cert, good.cert]));
    await waitFor("the server is refused", 10_000, async () => (await get("good")).status === 503);
    file("crl.pem", PUBLIC.revoke([]));
    await waitFor("both are taken", 10_000, async () => (await get("revoked")).status === 200);
    assert.equal((await get("good")).status, 200);
  });
});
