import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json } from "../small-mesh.testkit.ts";
import { cluster, generatorWith, host, json, KEY, patchOf, resource } from "./patch.testkit.ts";

const GOOD = "networking.istio.io/EnvoyFilter/default/good";
const RATINGS = `${host("ratings")}:9080`;
const LISTENER = "0.0.0.0_9080";
/** A number that no field for one has room for. */
const BAD_NUMBER = 2 ** 40;

/** Changes every cluster as it should. */
const good = patchOf(
  { cluster: (_scope, built) => ({ ...built, message: { ...built.message, altStatName: "good" } }) },
  GOOD,
);
const unpatched = generatorWith();

describe("a patch that throws", () => {
  const generator = generatorWith(
    patchOf({
      cluster: (_scope, built) => {
        if (built.name === cluster("ratings")) throw new Error("no such field");
        return built;
      },
    }),
    good,
  );

  it("is left out at its object, which has the other patches", () => {
    const found = resource(generator, "cluster", cluster("ratings"));
    assert.equal(json(generator, "cluster", cluster("ratings")).alt_stat_name, "good");
    assert.deepEqual(found?.configKeys, [GOOD]);
    assert.deepEqual(found?.patchErrors, [
      { configKey: KEY, point: "cluster", target: cluster("ratings"), message: "no such field" },
    ]);
  });

  it("hurts nothing else", () => {
    for (const name of [cluster("other"), cluster("db", 27017)])
      assert.equal(resource(generator, "cluster", name)?.patchErrors, undefined);
    assert.deepEqual(resource(generator, "listener", LISTENER), resource(unpatched, "listener", LISTENER));
  });
});

describe("a patch whose result cannot be encoded", () => {
  it("leaves its cluster as it is without it, with the other patches", () => {
    const generator = generatorWith(
      patchOf({
        cluster: (_scope, built) => ({
          ...built,
          message: { ...built.message, perConnectionBufferLimitBytes: BAD_NUMBER },
        }),
      }),
      good,
    );
    const { alt_stat_name, per_connection_buffer_limit_bytes } = json(generator, "cluster", cluster("ratings"));
    assert.deepEqual([alt_stat_name, per_connection_buffer_limit_bytes], ["good", undefined]);
    const [error, ...more] = resource(generator, "cluster", cluster("ratings"))?.patchErrors ?? [];
    assert.deepEqual([error?.configKey, error?.point, more], [KEY, "cluster", []]);
  });

  it("leaves its route as it is, and all other routes and virtual hosts patched", () => {
    const mark = patchOf(
      { route: (_scope, built) => ({ ...built, message: { ...built.message, statPrefix: "good" } }) },
      GOOD,
    );
    const bad = patchOf({
      route: (_scope, built, { virtualHost }) =>
        virtualHost?.name === RATINGS
          ? {
              ...built,
              message: { ...built.message, action: { case: "directResponse", value: { status: BAD_NUMBER } } },
            }
          : built,
    });
    const generator = generatorWith(bad, mark);
    const hosts: Json[] = json(generator, "route", "9080").virtual_hosts;
    assert.ok(hosts.length > 2);
    for (const { routes } of hosts) assert.equal(routes[0].stat_prefix, "good");
    const found = resource(generator, "route", "9080");
    assert.deepEqual(
      found?.patchErrors?.map(({ configKey, point, target }) => [configKey, point, target]),
      [[KEY, "route", "default"]],
    );
    assert.equal(found?.configKeys.includes(KEY), false);
  });

  it("leaves its HTTP filter as it is, deep in a listener", () => {
    const generator = generatorWith(
      patchOf({
        httpFilter: (_scope, built) =>
          built.name === "envoy.filters.http.fault"
            ? {
                ...built,
                message: {
                  configType: {
                    case: "configDiscovery",
                    value: { configSource: { initialFetchTimeout: { nanos: BAD_NUMBER } } },
                  },
                },
              }
            : built,
      }),
      patchOf({ filterChain: (_scope, built) => ({ ...built, name: "good" }) }, GOOD),
    );
    const listener = json(generator, "listener", LISTENER);
    assert.equal(listener.filter_chains[0].name, "good");
    const names = listener.filter_chains.flatMap((each: Json) =>
      each.filters.flatMap(({ typed_config }: Json) => typed_config.http_filters.map(({ name }: Json) => name)),
    );
    assert.ok(names.includes("envoy.filters.http.fault"));
    const points = resource(generator, "listener", LISTENER)?.patchErrors?.map((each) => each.point);
    assert.deepEqual([...new Set(points)], ["httpFilter"]);
  });
});

describe("patches that change nothing", () => {
  it("leave the very same bytes and keys", () => {
    const generator = generatorWith(
      patchOf({
        cluster: (_scope, built) => built,
        virtualHost: (_scope, built) => built,
        route: (_scope, built) => built,
        routeConfiguration: (_scope, built) => built,
        listener: (_scope, built) => built,
        filterChain: (_scope, built) => built,
        networkFilter: (_scope, built) => built,
        httpFilter: (_scope, built) => built,
      }),
    );
    for (const [type, name] of [
      ["cluster", cluster("ratings")],
      ["route", "9080"],
      ["listener", LISTENER],
      ["listener", "virtualInbound"],
    ] as const)
      assert.deepEqual(resource(generator, type, name), resource(unpatched, type, name), name);
  });
});
