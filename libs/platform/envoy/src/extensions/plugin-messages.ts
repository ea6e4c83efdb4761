import { edited, field, fieldsOf, numberAt, textAt, valueAt } from "./wire.ts";

// The configuration of a plugin (envoy.extensions.wasm.v3) by the field numbers of Envoy's API. A test compares both.

const TYPE = "type.googleapis.com/envoy.extensions.filters";
const WASM = { [`${TYPE}.http.wasm.v3.Wasm`]: "http", [`${TYPE}.network.wasm.v3.Wasm`]: "network" } as const;
const TYPED_CONFIG = 2;
const ANY = { typeUrl: 1, value: 2 };
const CONFIG = 1;
const PLUGIN = { vm: 3, failOpen: 5, failurePolicy: 7 };
const FAIL_OPEN = 3;
const VM = { code: 3, environment: 7 };
const CODE = { local: 1, remote: 2 };
const FILENAME = 1;
const REMOTE = { httpUri: 1, sha256: 2 };
const URI = 1;
const KEY_VALUES = 2;
const ENTRY = { key: 1, value: 2 };
/** The path from a TypedExtensionConfig to the machine of a plugin. */
const TO_VM = [TYPED_CONFIG, ANY.value, CONFIG, PLUGIN.vm] as const;
/** Variables that are for agents. */
const OF_AGENT = "ISTIO_META_WASM_";

/** A plugin whose module has to be fetched. */
export interface RemotePlugin {
  readonly type: "http" | "network";
  readonly url: string;
  /** Empty where any module is fine. */
  readonly sha256: string;
  /** `Always`, `IfNotPresent`, or empty where nothing is said. */
  readonly pullPolicy: string;
  /** Changes with the object. */
  readonly revision: string;
  /** Traffic passes while the module is not there. */
  readonly isOpen: boolean;
  /** The Secret with the credentials for its image, `NAMESPACE/NAME`. */
  readonly pullSecret?: string;
}

/** A plugin whose module is a file of the proxy. */
export interface LocalPlugin extends Pick<RemotePlugin, "type" | "isOpen"> {
  readonly path: string;
}

/**
 * Reads what has to be fetched for a configuration.
 * @param config an encoded TypedExtensionConfig
 * @returns undefined for one that is complete as it is
 * @throws Error for bytes that are no such message
 */
export function remotePluginOf(config: Uint8Array): RemotePlugin | undefined {
  const { type, plugin, vm } = read(config) ?? {};
  const remote = vm && valueAt(vm, VM.code, CODE.remote);
  if (!type || !plugin || !remote) return undefined;
  const variables = new Map(
    fieldsOf(valueAt(vm, VM.environment) ?? new Uint8Array())
      .filter(({ number }) => number === KEY_VALUES)
      .map(({ value }) => [textAt(value, ENTRY.key), textAt(value, ENTRY.value)]),
  );
  const pullSecret = variables.get(`${OF_AGENT}IMAGE_PULL_SECRET`);
  return {
    type,
    url: textAt(remote, REMOTE.httpUri, URI),
    sha256: textAt(remote, REMOTE.sha256),
    pullPolicy: variables.get(`${OF_AGENT}IMAGE_PULL_POLICY`) ?? "",
    ...(pullSecret ? { pullSecret } : {}),
    revision: variables.get(`${OF_AGENT}PLUGIN_RESOURCE_VERSION`) ?? "",
    isOpen: isOpen(plugin),
  };
}

/**
 * Reads which file a configuration names.
 * @returns undefined for one that names none
 * @throws Error for bytes that are no such message
 */
export function localPluginOf(config: Uint8Array): LocalPlugin | undefined {
  const { type, plugin, vm } = read(config) ?? {};
  const path = vm && textAt(vm, VM.code, CODE.local, FILENAME);
  return type && plugin && path ? { type, path, isOpen: isOpen(plugin) } : undefined;
}

function read(config: Uint8Array) {
  const any = valueAt(config, TYPED_CONFIG) ?? new Uint8Array();
  const type = WASM[textAt(any, ANY.typeUrl) as keyof typeof WASM];
  const plugin = type && valueAt(any, ANY.value, CONFIG);
  const vm = plugin && valueAt(plugin, PLUGIN.vm);
  return vm && { type, plugin, vm };
}

function isOpen(plugin: Uint8Array): boolean {
  return numberAt(plugin, PLUGIN.failurePolicy) === FAIL_OPEN || numberAt(plugin, PLUGIN.failOpen) === 1;
}

/** The configuration with a file in the place of a URL, and without the variables that are for agents. */
export function withModule(config: Uint8Array, file: string): Uint8Array {
  return edited(config, TO_VM, (vm) => {
    const local = field(CODE.local, field(FILENAME, file));
    return edited(
      edited(vm, [VM.code], () => local),
      [VM.environment],
      (environment) =>
        Buffer.concat(
          fieldsOf(environment)
            .filter(({ number, value }) => number !== KEY_VALUES || !textAt(value, ENTRY.key).startsWith(OF_AGENT))
            .map(({ bytes }) => bytes),
        ),
    );
  });
}

const RBAC_ALLOW_NOBODY = field(1, new Uint8Array());

/** What stands in the place of a plugin while its module is not there: an RBAC filter that lets everything pass, or nothing. */
export function withoutModule(name: string, { type, isOpen }: Pick<RemotePlugin, "type" | "isOpen">): Uint8Array {
  // Rules without a policy allow nothing; a network filter needs a prefix for its statistics.
  const rules = isOpen ? [] : [RBAC_ALLOW_NOBODY];
  const filter = type === "network" ? [...rules, field(3, "wasm.")] : rules;
  const typed = [field(ANY.typeUrl, `${TYPE}.${type}.rbac.v3.RBAC`), field(ANY.value, Buffer.concat(filter))];
  return Buffer.concat([field(1, name), field(TYPED_CONFIG, Buffer.concat(typed))]);
}
