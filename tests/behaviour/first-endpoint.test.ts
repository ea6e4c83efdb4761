import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Lab, openLab } from "./lab/lab.ts";
import type { LabPod, LabService } from "./lab/mesh.ts";
import { entry } from "./objects.ts";

const web = (pods: readonly LabPod[]): LabService => ({
  ...{ name: "web", address: "10.98.0.1", ports: { http: 80 }, pods },
});
const other = (pods: readonly LabPod[]): LabService => ({ ...web(pods), name: "other", address: "10.98.0.2" });
const pod = (name: string, ip: string): LabPod => ({
  ...{ name, ip, sidecar: true, labels: { app: name }, serviceAccount: "web" },
});

/** Envoy acknowledges no change of its clusters while one of them waits for the addresses of its name. */
const NEVER_WARM = entry("silent.example.com", {
  ...{ resolution: "DNS", location: "MESH_EXTERNAL" },
  ports: [{ number: 80, name: "http", protocol: "HTTP" }],
});

describe("the first endpoint of a service reaches a proxy before the cluster's change", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: [web([]), other([])],
    });
    const issue = (namespace: string) => lab.ca.issue({ uris: [`spiffe://cluster.local/ns/${namespace}/sa/web`] });
    await lab.serve({ name: "web", at: "10.1.0.10:80", tls: issue("default") });
    await lab.serve({ name: "other", at: "10.1.0.11:80", tls: issue("elsewhere") });
    await lab.send([NEVER_WARM]);
    await lab.send([], [web([pod("web", "10.1.0.10")]), other([pod("other", "10.1.0.11")])]);
  });
  after(() => lab.close());

  const call = (name: string) => lab.http({ through: "client", url: `http://${name}/` });

  it("and is called with mutual TLS at once", async () => {
    const first = await waitFor("an answer", 10_000, async () => {
      const answer = await call("web");
      return answer.by === "web" && answer;
    });
    assert.match(first.got?.tls?.client ?? "", /spiffe:\/\/cluster\.local\/ns\/default\/sa\/default/);
    const [connection] = lab.xds.connections;
    assert.equal(
      connection?.subscriptions.get("cluster")?.state,
      "awaitingAck",
      "the cluster's change is still under way",
    );
  });

  it("and must have an identity of the service's namespace", async () => {
    const answer = await waitFor("the endpoint", 10_000, async () => {
      const found = await call("other");
      return !found.body.includes("no healthy upstream") && found;
    });
    assert.deepEqual([answer.by, answer.status], ["", 503]);
    const stats = await lab.envoys.get("client")?.admin("/stats?filter=other.*fail_verify_san");
    assert.match(stats ?? "", /fail_verify_san: [1-9]/);
  });
});
