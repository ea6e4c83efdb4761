import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { BuiltRouteConfiguration } from "../build/built.ts";
import { patchRouteConfiguration } from "../patch/apply.ts";
import type { PatchError } from "../patch/patch-error.ts";
import type { Scope } from "../scope/scope.ts";
import { contentHash, type EncodedResource, type ResourcePart } from "./encoded.ts";
import { encoded, patchAndEncode } from "./patched.ts";
import type { EncodedVirtualHost } from "./virtual-host.ts";
import { appendBytes, BinaryWriter } from "./wire.ts";

/** A route table: the virtual hosts are its parts. */
class EncodedRouteConfiguration implements EncodedResource {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly configKeys: readonly string[];
  readonly patchErrors?: readonly PatchError[];
  readonly #virtualHosts: readonly EncodedVirtualHost[];

  constructor(
    own: Pick<EncodedResource, "name" | "version" | "bytes" | "configKeys">,
    virtualHosts: readonly EncodedVirtualHost[],
    errors: readonly PatchError[],
  ) {
    this.name = own.name;
    this.version = own.version;
    this.bytes = own.bytes;
    this.configKeys = own.configKeys;
    this.#virtualHosts = virtualHosts;
    if (errors.length > 0) this.patchErrors = errors;
  }

  get parts(): readonly ResourcePart[] {
    return this.#virtualHosts;
  }
}

/**
 * Patches a route table, and puts it together with virtual hosts that are encoded already. A domain belongs to the first virtual
 * host that names it, once; a virtual host without any domain of its own is left out.
 */
export function encodeRouteConfiguration(
  scope: Scope,
  built: BuiltRouteConfiguration,
  virtualHosts: readonly EncodedVirtualHost[],
): EncodedResource {
  const hosts = withOwnDomains(virtualHosts);
  const resource = patchAndEncode(scope, built, patchRouteConfiguration, (table, errors) => {
    const head = encoded("routeConfiguration", table);
    const writer = new BinaryWriter().raw(head);
    // The virtual hosts have their hashes already: a table of hundreds of kilobytes is not hashed again for one route.
    let versions = contentHash(head);
    const configKeys = new Set(table.configKeys);
    const all = [...errors];
    for (const { bytes, version, configKeys: keys, patchErrors } of hosts) {
      appendBytes(writer, RouteConfigurationSchema.field.virtualHosts.number, bytes);
      versions += version;
      for (const key of keys) configKeys.add(key);
      for (const each of patchErrors) all.push(each);
    }
    const version = contentHash(versions);
    const own = { name: table.name, version, bytes: writer.finish(), configKeys: [...configKeys] };
    return new EncodedRouteConfiguration(own, hosts, all);
  });
  if (!resource) throw new Error(`the route configuration ${built.name} was removed`);
  return resource;
}

function withOwnDomains(virtualHosts: readonly EncodedVirtualHost[]): readonly EncodedVirtualHost[] {
  const taken = new Set<string>();
  const hosts: EncodedVirtualHost[] = [];
  for (const host of virtualHosts) {
    const { domains, domainKeys } = host;
    const free = domains.filter((_, i) => {
      const { size } = taken;
      return taken.add(domainKeys[i] as string).size > size;
    });
    if (free.length === domains.length) hosts.push(host);
    else if (free.length > 0) hosts.push(host.withDomains(free));
  }
  return hosts;
}
