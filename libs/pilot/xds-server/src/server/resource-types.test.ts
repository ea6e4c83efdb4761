import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import {
  contentHash,
  RESOURCE_TYPES,
  type ResourceRequest,
  type ResourceType,
  resourceSet,
  type Scope,
} from "@xebec/pilot-xds-gen";
import { syncStatus } from "../debug/sync-status.ts";
import { DeltaClient, SotwClient, type TestType } from "../test-client.testkit.ts";
import { CLUSTER, entry } from "./test-mesh.testkit.ts";
import { XdsServer } from "./xds-server.ts";

const PREFIX = "type.googleapis.com/test.";

/** A type that pilot does not have: each of its resources says how many services there are. */
function type(name: string, subscription: ResourceType["subscription"], followsClusters: boolean): ResourceType {
  return {
    ...{ name, typeUrl: `${PREFIX}${name}`, shortName: name, subscription, followsClusters, alwaysSubscribed: false },
    resources(scope: Scope, { names }: ResourceRequest) {
      const bytes = Buffer.from(`${name} ${scope.services().length}`);
      const all = subscription === "wildcard" ? ["all"] : names.names;
      return resourceSet(all.map((each) => ({ name: each, version: contentHash(bytes), bytes, configKeys: [] })));
    },
  };
}

const SECRETS = type("Secrets", "named", false);
const TABLES = type("Tables", "wildcard", true);
/** Secrets between endpoints and what follows clusters, tables between listeners and routes. */
const TYPES: readonly ResourceType[] = RESOURCE_TYPES.flatMap((each) => {
  if (each.name === "endpoint") return [each, SECRETS];
  return each.name === "listener" ? [each, TABLES] : each;
});
const ASKED: readonly (readonly [TestType, readonly string[]])[] = [
  ...([
    ["cluster", []],
    ["endpoint", [CLUSTER(1)]],
    [`${PREFIX}Secrets`, ["a", "b"]],
  ] as const),
  ...([
    ["listener", []],
    [`${PREFIX}Tables`, []],
    ["route", ["80"]],
  ] as const),
];

function mesh() {
  const server = new XdsServer({ metrics: createMetrics(), types: TYPES });
  const builder = new MeshBuilder();
  const apply = (n: number): Promise<void> =>
    server.update(builder.apply({ config: { puts: [entry(n)], deletes: [] } }));
  return { server, apply };
}

describe("types that are added to the table", () => {
  it("are served in the state-of-the-world form, in their places of the order", async () => {
    const { server, apply } = mesh();
    await apply(1);
    const client = new SotwClient(server);
    for (const [each, names] of ASKED) {
      client.send(each, names);
      const [first] = client.take();
      assert.equal(first?.type, each);
      client.send(each, names);
    }
    await apply(2);
    const order: string[] = [];
    for (let answers = client.take(); answers.length > 0; answers = client.take())
      for (const { type: each, response } of answers) {
        order.push(each.replace(PREFIX, ""));
        const texts = response.resources.map(({ value }) => Buffer.from(value).toString());
        if (each === `${PREFIX}Secrets`) assert.deepEqual(texts, ["Secrets 2", "Secrets 2"]);
        if (each === `${PREFIX}Tables`) assert.deepEqual(texts, ["Tables 2"]);
        client.send(each, ASKED.find(([asked]) => asked === each)?.[1]);
      }
    assert.deepEqual(order, ["cluster", "Secrets", "Tables", "route"]);
  });

  it("are served in the Delta form, in their places of the order", async () => {
    const { server, apply } = mesh();
    await apply(1);
    const client = new DeltaClient(server);
    for (const [each, names] of ASKED) {
      client.send(each, { subscribe: names });
      const [first] = client.take();
      assert.equal(first?.type, each);
      if (names.length > 0) assert.deepEqual(first?.names, names);
      client.send(each, { nonce: first?.response.nonce ?? "" });
    }
    await apply(2);
    const order: [string, string[]][] = [];
    for (let answers = client.take(); answers.length > 0; answers = client.take())
      for (const { type: each, names, response } of answers) {
        order.push([each.replace(PREFIX, ""), names]);
        client.send(each, { nonce: response.nonce });
      }
    assert.deepEqual(order, [
      ["cluster", [CLUSTER(2)]],
      ["Secrets", ["a", "b"]],
      ["Tables", ["all"]],
      ["route", ["80"]],
    ]);
  });

  it("wait for clusters only where the table says so, and are shown in the status", async () => {
    const { server, apply } = mesh();
    await apply(1);
    const client = new SotwClient(server);
    for (const [each, names] of ASKED) {
      client.send(each, names);
      client.take();
      client.send(each, names);
    }
    await apply(2);
    assert.deepEqual(
      client.take().map(({ type: each }) => each),
      ["cluster", `${PREFIX}Secrets`],
      "tables wait until the cluster is acknowledged",
    );
    const [status] = [...server.connections].map(syncStatus);
    assert.ok(status?.resources[`${PREFIX}Tables`]?.acked);
    assert.equal(status?.Tables_sent, status?.Tables_acked);
    assert.notEqual(status?.Secrets_sent, status?.Secrets_acked);
  });
});
