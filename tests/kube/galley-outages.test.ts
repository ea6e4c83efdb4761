// Galley and an API server that goes away, and a leader that is cut off.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMemoryBus } from "@xebec/platform-bus";
import { type KubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing } from "@xebec/testing-kube";
import { cutProxy } from "./cut-proxy.ts";
import {
  busContent,
  create,
  galleyReplica,
  installCrds,
  rule,
  ruleKey,
  ruleObject,
  startGalleyKube,
} from "./galley-lab.ts";

const skip = kubeMissing();
const never = new AbortController().signal;
let kube: Kube;
let client: KubeClient;

before(async () => {
  if (skip === undefined) ({ kube, client } = await startGalleyKube());
});
after(async () => {
  client?.close();
  await kube?.close();
});

test("nothing is lost or withdrawn when the API server restarts, etcd hangs, or the network is cut", {
  skip,
}, async () => {
  await installCrds(client);
  const bus = createMemoryBus();
  await bus.start(never);
  await using proxy = await cutProxy(kube);
  await using galley = await galleyReplica(proxy.kubeconfig, bus);
  await using content = await busContent(bus);
  const hostOf = (name: string): unknown =>
    (content.config(ruleKey(name))?.spec as { host?: string } | undefined)?.host;
  for (const name of ["kept", "changed", "deleted"])
    await create(client, pathOf(rule, { namespace: "default" }), ruleObject(name, "one"));
  await waitFor("the rules", 60_000, () => ["kept", "changed", "deleted"].every((each) => hostOf(each) === "one"));
  content.deleted.length = 0;
  // The network is cut, the server loses its memory of changes: the watch expires (410), and galley lists again.
  proxy.cut();
  await client.patch(rule, { namespace: "default", name: "changed" }, { spec: { host: "two" } });
  await client.delete(rule, { namespace: "default", name: "deleted" });
  await kube.plane.apiServer.stop("SIGKILL");
  await kube.plane.apiServer.start();
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("made", "one"));
  assert.deepEqual([hostOf("changed"), hostOf("deleted")], ["one", "one"], "what cannot be seen stays");
  proxy.heal();
  await waitFor(
    "what happened meanwhile",
    60_000,
    () => hostOf("changed") === "two" && hostOf("deleted") === undefined && hostOf("made") === "one",
  );
  assert.deepEqual(content.deleted, [ruleKey("deleted")]);
  // etcd hangs.
  kube.plane.etcd.signal("SIGSTOP");
  const late = client
    .patch(rule, { namespace: "default", name: "changed" }, { spec: { host: "three" } })
    .catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  assert.equal(hostOf("changed"), "two");
  kube.plane.etcd.signal("SIGCONT");
  await late;
  await waitFor("the API server is back", 60_000, () =>
    client.patch(rule, { namespace: "default", name: "changed" }, { spec: { host: "four" } }).then(() => true),
  );
  await waitFor("the change after it", 60_000, () => hostOf("changed") === "four");
  assert.deepEqual([content.deleted, galley.missing()], [[ruleKey("deleted")], []]);
});

test("of two replicas one publishes; when it is cut off the other one goes on", { skip }, async () => {
  await installCrds(client);
  const bus = createMemoryBus();
  await bus.start(never);
  await using proxy = await cutProxy(kube);
  await using first = await galleyReplica(proxy.kubeconfig, bus, { identity: "galley-0", isShared: true });
  await using content = await busContent(bus);
  await content.synced();
  await using second = await galleyReplica(kube.kubeconfig, bus, { identity: "galley-1", isShared: true });
  const holder = async (): Promise<string | undefined> => {
    const lease = await client.get(RESOURCES.leases, { namespace: "istio-system", name: "istio-galley-leader" });
    return (lease.spec as { holderIdentity?: string }).holderIdentity;
  };
  assert.equal(await holder(), "galley-0");
  await waitFor("the second one is ready, standing by", 60_000, () => second.missing().length === 0);
  const before = content.size(0);
  content.deleted.length = 0;
  // The first one cannot reach the API server any more, and is not told.
  proxy.freeze();
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("after", "one"));
  await waitFor("the second one publishes", 60_000, () => content.config(ruleKey("after")));
  assert.equal(await holder(), "galley-1");
  assert.deepEqual([content.size(0), content.deleted], [before + 1, []]);
  proxy.heal();
  await waitFor("the first one stands by", 60_000, () => first.missing().length === 0);
  assert.equal(await holder(), "galley-1");
});
