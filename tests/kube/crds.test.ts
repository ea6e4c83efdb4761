import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { allCrds, KINDS } from "@xebec/model-resources";
import { type Kube, startKube } from "@xebec/testing-kube";
import { chart, helm, helmMissing } from "./helm.testkit.ts";
import { sampleOf } from "./sample.testkit.ts";

const skip = helmMissing();
let kube: Kube;

before(async () => {
  if (skip !== undefined) return;
  kube = await startKube({ controllers: false });
  await helm(["install", "xebec-crds", chart("crds"), "--wait"], kube);
});
after(() => kube?.close());

const create = (object: unknown): Promise<string> =>
  kube.kubectl(["create", "-o", "json", "-f", "-"], JSON.stringify(object));

const virtualService = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews" },
  spec: { hosts: ["reviews", "b"], gateways: ["mesh"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
};

describe("the definitions on a real API server", { skip }, () => {
  it("are all established, none with names of another or a schema that is not structural", async () => {
    const { items } = JSON.parse(await kube.kubectl(["get", "crd", "-o", "json"]));
    assert.equal(items.length, allCrds().length);
    for (const { metadata, status } of items) {
      const conditions = Object.fromEntries(status.conditions.map(({ type, status }: never) => [type, status]));
      assert.deepEqual(conditions, { NamesAccepted: "True", Established: "True" }, metadata.name);
    }
  });

  it("lose no field of any kind, whatever its version", async () => {
    const objects = allCrds()
      .filter(({ spec: { group, names } }) => KINDS.some((each) => each.group === group && each.kind === names.kind))
      .flatMap(({ spec: { group, names, versions } }) =>
        versions.map(({ name, schema }) => ({
          apiVersion: `${group}/${name}`,
          kind: names.kind,
          metadata: { name: `all-${name}`, namespace: "default" },
          spec: sampleOf(schema.openAPIV3Schema.properties?.spec ?? {}) as object,
        })),
      );
    // A field that the definition does not have would be an error, or gone.
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const stored = await kube.kubectl(["create", "-o", 'jsonpath={.spec}{"\\n"}', "-f", "-"], list);
    const specs = stored.trimEnd().split("\n");
    assert.equal(specs.length, objects.length);
    for (const [i, { kind, spec }] of objects.entries()) assert.deepEqual(JSON.parse(specs[i] ?? ""), spec, kind);
  });

  it("show Istio's columns, and take its short names and categories", async () => {
    await create(virtualService);
    const header = async (...args: string[]): Promise<string> =>
      (await kube.kubectl(["get", ...args])).split("\n")[0]?.trim().replace(/ +/g, " ") ?? "";
    assert.equal(await header("virtualservices", "reviews"), "NAME GATEWAYS HOSTS AGE");
    assert.match(await kube.kubectl(["get", "vs", "reviews"]), /reviews +\["mesh"\] +\["reviews","b"\]/);
    assert.equal(await header("dr"), "NAME HOST AGE");
    assert.equal(await header("se"), "NAME HOSTS LOCATION RESOLUTION AGE");
    assert.match(await kube.kubectl(["get", "networking-istio-io", "-o", "name"]), /virtualservice.*\/reviews/);
  });

  it("have a status of its own, which a change of the object does not touch", async () => {
    const patch = JSON.stringify({ status: { conditions: [{ type: "Reconciled", status: "True" }] } });
    await kube.kubectl(["patch", "vs", "reviews", "--subresource=status", "--type=merge", "-p", patch]);
    await kube.kubectl(["patch", "vs", "reviews", "--type=merge", "-p", '{"status":null,"spec":{"hosts":["c"]}}']);
    const { spec, status } = JSON.parse(await kube.kubectl(["get", "vs", "reviews", "-o", "json"]));
    assert.deepEqual([spec.hosts, status.conditions[0].type], [["c"], "Reconciled"]);
  });

  it("keep a misspelt field, one that stands for a required one too, so that galley's webhook says what was meant, and refuse a wrong value", async () => {
    const wrong = (spec: object): object => ({ ...virtualService, metadata: { name: "wrong" }, spec });
    const { spec } = JSON.parse(await create(wrong({ hosts: ["a"], htpp: [] })));
    assert.deepEqual(spec, { hosts: ["a"], htpp: [] });
    await kube.kubectl(["delete", "vs", "wrong"]);
    const route = { hosts: ["a"], http: [{ route: [{ destinations: { host: "a" } }] }] };
    assert.deepEqual(JSON.parse(await create(wrong(route))).spec, route);
    await kube.kubectl(["delete", "vs", "wrong"]);
    await assert.rejects(
      create(wrong({ hosts: ["a"], http: [{ retries: { attempts: "3" } }] })),
      /spec\.http\[0\]\.retries\.attempts.*must be of type integer/s,
    );
  });

  it("stay when the chart goes, with the objects", async () => {
    await helm(["uninstall", "xebec-crds"], kube);
    assert.match(await kube.kubectl(["get", "vs", "-o", "name"]), /reviews/);
  });
});
