import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import { TypedExtensionConfigSchema } from "@xebec/api-envoy/envoy/config/core/v3/extension";
import { RBACSchema as HttpRbacSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import { WasmSchema as HttpWasmSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/wasm/v3/wasm";
import { RBACSchema as NetworkRbacSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/rbac/v3/rbac";
import { WasmSchema as NetworkWasmSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/wasm/v3/wasm";
import { localPluginOf, type RemotePlugin, remotePluginOf, withModule, withoutModule } from "./plugin-messages.ts";

const configOf = (keyValues: Record<string, string>, failOpen = false) => ({
  name: "n",
  rootId: "r",
  failOpen,
  configuration: anyOf(StringValueSchema, { value: "{}" }),
  vm: {
    case: "vmConfig" as const,
    value: {
      ...{ vmId: "v", runtime: "envoy.wasm.runtime.v8", environmentVariables: { hostEnvKeys: ["H"], keyValues } },
      code: {
        specifier: {
          case: "remote" as const,
          value: { httpUri: { uri: "https://a.example/ä.wasm", timeout: { seconds: 30n } }, sha256: "ff" },
        },
      },
    },
  },
});
const OF_AGENT = {
  ISTIO_META_WASM_IMAGE_PULL_POLICY: "Always",
  ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION: "7",
};
const typed = (typedConfig: ReturnType<typeof anyOf>) =>
  toBinary(TypedExtensionConfigSchema, create(TypedExtensionConfigSchema, { name: "n", typedConfig }));

describe("the configuration of a plugin", () => {
  const config = typed(anyOf(HttpWasmSchema, { config: configOf({ ...OF_AGENT, A: "b" }) }));

  it("says which file it names, where it names one", () => {
    assert.equal(localPluginOf(config), undefined);
    const local = withModule(config, "/a.wasm");
    assert.deepEqual(
      [localPluginOf(local), remotePluginOf(local)],
      [{ type: "http", path: "/a.wasm", isOpen: false }, undefined],
    );
    assert.equal(localPluginOf(withoutModule("n", { type: "http", isOpen: true })), undefined);
  });

  it("says what has to be fetched, as the schema has it", () => {
    const expected: RemotePlugin = {
      ...{
        type: "http",
        url: "https://a.example/ä.wasm",
        sha256: "ff",
        pullPolicy: "Always",
        revision: "7",
        isOpen: false,
      },
    };
    assert.deepEqual(remotePluginOf(config), expected);
    const open = typed(anyOf(NetworkWasmSchema, { config: configOf({}, true) }));
    assert.deepEqual(remotePluginOf(open), {
      ...expected,
      type: "network",
      pullPolicy: "",
      revision: "",
      isOpen: true,
    });
    const policy = create(NetworkWasmSchema, { config: configOf({}) });
    Object.assign(policy.config ?? {}, { $unknown: [{ no: 7, wireType: 0, data: Uint8Array.of(3) }] });
    assert.equal(remotePluginOf(typed(anyOf(NetworkWasmSchema, policy)))?.isOpen, true);
    assert.equal(remotePluginOf(typed(anyOf(HttpRbacSchema, {}))), undefined);
    assert.equal(remotePluginOf(new Uint8Array()), undefined);
  });

  it("gets a file in the place of the URL, and keeps everything else", () => {
    const { typedConfig, name } = fromBinary(TypedExtensionConfigSchema, withModule(config, "/m.wasm"));
    assert.ok(typedConfig);
    const expected = configOf({ A: "b" });
    const local = { case: "local" as const, value: { specifier: { case: "filename" as const, value: "/m.wasm" } } };
    const vm = { ...expected.vm, value: { ...expected.vm.value, code: { specifier: local } } };
    assert.equal(name, "n");
    const read = anyUnpack(typedConfig, HttpWasmSchema);
    assert.ok(read && equals(HttpWasmSchema, read, create(HttpWasmSchema, { config: { ...expected, vm } })));
  });

  it("without module is a filter that refuses everything, or nothing", () => {
    for (const [type, schema] of [
      ["http", HttpRbacSchema],
      ["network", NetworkRbacSchema],
    ] as const)
      for (const isOpen of [true, false]) {
        const { typedConfig, name } = fromBinary(TypedExtensionConfigSchema, withoutModule("x", { type, isOpen }));
        assert.ok(typedConfig);
        const rbac = anyUnpack(typedConfig, schema);
        assert.deepEqual([name, rbac?.rules === undefined], ["x", isOpen]);
        assert.deepEqual(rbac?.rules && [rbac.rules.action, rbac.rules.policies], isOpen ? undefined : [0, {}]);
      }
  });
});
