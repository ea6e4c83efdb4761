import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { BuiltRouteConfiguration } from "../build/built.ts";
import { addition } from "../patch/addition.ts";
import { patchRouteConfiguration } from "../patch/apply.ts";
import type { PatchError } from "../patch/patch-error.ts";
import type { Scope } from "../scope/scope.ts";
import { contentHash, type EncodedResource, type ResourcePart, type SplitTable } from "./encoded.ts";
import { encoded, patchAndEncode } from "./patched.ts";
import { splitTable } from "./split-table.ts";
import { EncodedVirtualHost, encodeVirtualHost } from "./virtual-host.ts";
import { withFields } from "./wire.ts";

const { virtualHosts: VIRTUAL_HOSTS } = RouteConfigurationSchema.field;

/** A route table: the virtual hosts are its parts. */
class EncodedRouteConfiguration implements EncodedResource {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly configKeys: readonly string[];
  readonly patchErrors?: readonly PatchError[];
  readonly #virtualHosts: readonly EncodedVirtualHost[];
  /** How many bytes stand before those of the virtual hosts. */
  readonly #headLength: number;
  #split: SplitTable | undefined;

  constructor(
    own: Pick<EncodedResource, "name" | "version" | "bytes" | "configKeys"> & { readonly headLength: number },
    virtualHosts: readonly EncodedVirtualHost[],
    errors: readonly PatchError[],
  ) {
    this.name = own.name;
    this.version = own.version;
    this.bytes = own.bytes;
    this.configKeys = own.configKeys;
    this.#headLength = own.headLength;
    this.#virtualHosts = virtualHosts;
    if (errors.length > 0) this.patchErrors = errors;
  }

  get parts(): readonly ResourcePart[] {
    return this.#virtualHosts;
  }

  split(): SplitTable | undefined {
    if (this.#virtualHosts.length === 0) return undefined;
    this.#split ??= splitTable(this, this.bytes.subarray(0, this.#headLength), this.#virtualHosts);
    return this.#split;
  }

  withParts(instead: ReadonlyMap<string, ResourcePart | undefined>): EncodedResource {
    const hosts = this.#virtualHosts.flatMap((host) => {
      if (!instead.has(host.name)) return host;
      const other = instead.get(host.name);
      return other instanceof EncodedVirtualHost ? other : [];
    });
    const hostKeys = new Set(this.#virtualHosts.flatMap((each) => each.configKeys));
    const ownKeys = this.configKeys.filter((key) => !hostKeys.has(key));
    const own = { name: this.name, head: this.bytes.subarray(0, this.#headLength), configKeys: ownKeys };
    return assembled(own, withOwnDomains(hosts), this.patchErrors ?? []);
  }
}

/** A table of its own fields and virtual hosts. @param errors of the whole table, those of its virtual hosts included */
function assembled(
  {
    name,
    head,
    configKeys,
  }: { readonly name: string; readonly head: Uint8Array; readonly configKeys: readonly string[] },
  hosts: readonly EncodedVirtualHost[],
  errors: readonly PatchError[],
): EncodedResource {
  // The virtual hosts have their hashes already: a table of hundreds of kilobytes is not hashed again for one route.
  let versions = contentHash(head);
  const keys = new Set(configKeys);
  for (const host of hosts) {
    versions += host.version;
    for (const key of host.configKeys) keys.add(key);
  }
  const own = { name, version: contentHash(versions), configKeys: [...keys] };
  const bytes = withFields(
    head,
    VIRTUAL_HOSTS.number,
    hosts.map((host) => host.bytes),
  );
  return new EncodedRouteConfiguration({ ...own, bytes, headLength: head.length }, hosts, errors);
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
  const added = scope
    .additions("virtualHost")
    .flatMap((each) => addition(scope, each, () => each.virtualHosts?.(scope, built.name)) ?? [])
    .flatMap((each) => encodeVirtualHost(scope, each, built.name) ?? []);
  // A domain is the first one's that names it: the fallback, which has them all, stays last.
  const hosts = withOwnDomains(
    added.length > 0 ? [...virtualHosts.slice(0, -1), ...added, ...virtualHosts.slice(-1)] : virtualHosts,
  );
  const resource = patchAndEncode(scope, built, patchRouteConfiguration, (table, errors) => {
    const all = [...errors];
    for (const { patchErrors } of hosts) for (const each of patchErrors) all.push(each);
    return assembled({ ...table, head: encoded("routeConfiguration", table) }, hosts, all);
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
