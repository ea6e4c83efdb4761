import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createTestCa, tempDir } from "@xebec/testing-launch";
import { fieldConflicts, serverSideApply } from "./apply.ts";
import { createKubeClient, openKubeClient } from "./client.ts";
import { answerJson, FakeApiServer } from "./fake-api-server.testkit.ts";
import { isConflict, isNotFound } from "./kube-error.ts";
import { RESOURCES } from "./resource-type.ts";
import { reviewAccess, reviewToken } from "./reviews.ts";
import { createTypeDiscovery, type ServedTypes } from "./served-types.ts";

const { configMaps } = RESOURCES;

/** A client of a fake server, for the time of a test. */
async function served() {
  const server = await FakeApiServer.start([configMaps]);
  const client = createKubeClient(server.cluster);
  return { server, client, [Symbol.asyncDispose]: () => server.close() };
}

describe("a client of an API server", () => {
  it("says what the server says of a request that it refuses", async () => {
    await using at = await served();
    const error = await at.client
      .get(configMaps, { namespace: "default", name: "none" })
      .catch((each: unknown) => each);
    assert.ok(isNotFound(error));
    assert.match(
      String((error as Error).message),
      /^GET \/api\/v1\/namespaces\/default\/configmaps\/none: .*not found$/,
    );
  });

  it("does not overwrite what somebody else has changed meanwhile", async () => {
    await using at = await served();
    at.server.put(configMaps, { metadata: { name: "a" } });
    const read = await at.client.get(configMaps, { namespace: "default", name: "a" });
    at.server.put(configMaps, { metadata: { name: "a" } });
    assert.ok(isConflict(await at.client.replace(configMaps, read).catch((each: unknown) => each)));
  });

  it("names the managers and fields of a conflict", async () => {
    await using at = await served();
    at.server.once(
      ({ method }) => method === "PATCH",
      (response) =>
        answerJson(response, 409, {
          ...{ kind: "Status", status: "Failure", reason: "Conflict", code: 409, message: "Apply failed" },
          details: {
            causes: [
              { reason: "FieldManagerConflict", message: 'conflict with "kubectl-edit" using v1', field: ".data.a" },
            ],
          },
        }),
    );
    const wanted = { metadata: { name: "a", namespace: "default" }, data: { a: "1" } };
    const error = await serverSideApply(at.client, configMaps, wanted, { fieldManager: "xebec" }).catch(
      (each: unknown) => each,
    );
    assert.deepEqual(fieldConflicts(error), [{ manager: "kubectl-edit", field: ".data.a" }]);
    const [request] = at.server.requests.slice(-1);
    assert.deepEqual([request?.query.get("fieldManager"), request?.query.get("force")], ["xebec", "false"]);
    assert.deepEqual(request?.body, { ...wanted, apiVersion: "v1", kind: "ConfigMap" });
  });

  it("is late when there is no answer, and says so", async () => {
    await using at = await served();
    at.server.once(
      () => true,
      () => {},
    );
    await assert.rejects(at.client.call({ method: "GET", path: "/version", timeoutMs: 30 }), {
      code: "deadline_exceeded",
      message: /did not answer within 30 ms$/,
    });
  });

  it("opens no stream for whoever has given up before", async () => {
    await using at = await served();
    at.server.once(
      () => true,
      (response) => void response.writeHead(200).flushHeaders(),
    );
    await assert.rejects(at.client.stream({ method: "GET", path: "/version", signal: AbortSignal.abort() }), {
      code: "cancelled",
    });
  });

  it("reviews tokens for an audience, and access", async () => {
    await using at = await served();
    const { server, client } = at;
    const answer = (status: object): void =>
      server.once(
        () => true,
        (response) => answerJson(response, 201, { status }),
      );
    const user = { username: "system:serviceaccount:default:sleep", uid: "u", groups: ["system:serviceaccounts"] };
    answer({ authenticated: true, user, audiences: ["istio-ca"] });
    const review = await reviewToken(client, "t", { audiences: ["istio-ca"] });
    assert.deepEqual(review, { authenticated: true, user: { ...user, audiences: ["istio-ca"], extra: {} } });
    // A server that does not look at audiences.
    answer({ authenticated: true, user });
    assert.deepEqual(await reviewToken(client, "t", { audiences: ["istio-ca"] }), {
      authenticated: false,
      reason: "the token is not for the audience istio-ca",
    });
    answer({ authenticated: false, error: "token has expired" });
    assert.deepEqual(await reviewToken(client, "t"), { authenticated: false, reason: "token has expired" });
    answer({ allowed: true, reason: "RBAC" });
    const access = { user: "a", verb: "get", group: "", resource: "secrets", namespace: "default" };
    assert.deepEqual(await reviewAccess(client, access), { allowed: true, reason: "RBAC" });
    assert.deepEqual(server.requests.at(-1)?.body, {
      ...{ apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" },
      spec: {
        user: "a",
        resourceAttributes: { verb: "get", group: "", resource: "secrets", namespace: "default" },
      },
    });
  });

  it("finds types that are installed later, and asks again without a body", async () => {
    await using at = await served();
    const { server, client } = at;
    const seen: ServedTypes[] = [];
    const discovery = createTypeDiscovery({ client, groups: [], everyMs: 5, changed: (types) => seen.push(types) });
    await discovery.start(new AbortController().signal);
    await waitFor("the first look", 2_000, () => server.requests.length > 3);
    assert.equal(seen.length, 1);
    server.install({ group: "networking.istio.io", version: "v1", kind: "Gateway", plural: "gateways" });
    await waitFor("the new type", 2_000, () => seen[1]?.has("networking.istio.io/gateways"));
    await discovery.close?.();
  });
});

describe("a cluster of a kubeconfig", () => {
  const ca = createTestCa();

  /** An HTTPS server that tells who asks, and a kubeconfig for it. */
  async function secured(user: object) {
    const { cert, key } = ca.issue({ ips: ["127.0.0.1"] });
    const folder = tempDir();
    const seen: { token: string | undefined; certificate: string | undefined }[] = [];
    const server = createServer(
      { cert, key, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const peer = (request.socket as import("node:tls").TLSSocket).getPeerCertificate();
        seen.push({ token: request.headers.authorization, certificate: peer?.subjectaltname });
        answerJson(response, request.headers.authorization === "Bearer old" ? 401 : 200, {});
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const config = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
      clusters: [
        {
          name: "k",
          cluster: {
            server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
            "certificate-authority-data": Buffer.from(ca.cert).toString("base64"),
          },
        },
      ],
      users: [{ name: "u", user }],
      contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "mine" } }],
    };
    writeFileSync(folder.file("config"), JSON.stringify(config));
    return {
      ...{ folder, seen, kubeconfig: folder.file("config") },
      write: (next: object) =>
        writeFileSync(folder.file("config"), JSON.stringify({ ...config, users: [{ name: "u", user: next }] })),
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        folder.remove();
      },
    };
  }

  it("signs in with a token, and knows the namespace of the context", async () => {
    await using at = await secured({ token: "secret" });
    const client = await openKubeClient({ kubeconfig: at.kubeconfig });
    await client.call({ method: "GET", path: "/version" });
    assert.deepEqual([at.seen[0]?.token, client.namespace], ["Bearer secret", "mine"]);
    client.close();
  });

  it("signs in with a client certificate", async () => {
    const { cert, key } = ca.issue({ dns: ["galley.example"] });
    await using at = await secured({
      "client-certificate-data": Buffer.from(cert).toString("base64"),
      "client-key-data": Buffer.from(key).toString("base64"),
    });
    const client = await openKubeClient({ kubeconfig: at.kubeconfig });
    await client.call({ method: "GET", path: "/version" });
    assert.equal(at.seen[0]?.certificate, "DNS:galley.example");
    client.close();
  });

  it("runs the exec plug-in of a user", async () => {
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: "x" },
    };
    await using at = await secured({
      exec: {
        ...{ apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, interactiveMode: "Never" },
        args: ["-e", `process.stdout.write(${JSON.stringify(JSON.stringify(credential))})`],
      },
    });
    const client = await openKubeClient({ kubeconfig: at.kubeconfig });
    await client.call({ method: "GET", path: "/version" });
    assert.equal(at.seen[0]?.token, "Bearer x");
    client.close();
  });

  for (const [what, content, message] of [
    ["is not there", undefined, /cannot be read$/],
    ["has no cluster", "{}", /has no cluster for the context/],
  ] as const)
    it(`is an error when the kubeconfig ${what}`, async () => {
      using folder = tempDir();
      if (content !== undefined) writeFileSync(folder.file("config"), content);
      await assert.rejects(openKubeClient({ kubeconfig: folder.file("config") }), {
        code: "failed_precondition",
        message,
      });
    });

  it("is an error outside of a cluster without a kubeconfig", async () => {
    await assert.rejects(openKubeClient(), {
      code: "failed_precondition",
      message: /name a kubeconfig by --kubeconfig$/,
    });
  });
});
