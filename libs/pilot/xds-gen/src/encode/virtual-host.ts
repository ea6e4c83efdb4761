import { RouteSchema, VirtualHostSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { BuiltVirtualHost } from "../build/built.ts";
import { patchVirtualHost } from "../patch/apply.ts";
import type { PatchError } from "../patch/patch-error.ts";
import type { Scope } from "../scope/scope.ts";
import { contentHash, type EncodedResource, type ResourcePart } from "./encoded.ts";
import { encoded, patchAndEncode } from "./patched.ts";
import { isPatched, noteUnpatched, unpatched } from "./unpatched.ts";
import { appendBytes, BinaryWriter, encodedFields, stringField } from "./wire.ts";

const { name: NAME, domains: DOMAINS, routes: ROUTES } = VirtualHostSchema.field;

/**
 * A virtual host, encoded once for all tables that have it. The objects that it was built from are not kept: with other domains,
 * it is put together from its own bytes.
 */
export class EncodedVirtualHost implements ResourcePart {
  readonly kind = "virtualHost";
  readonly name: string;
  readonly domains: readonly string[];
  /** The domains as Envoy compares them: in lower case. */
  readonly domainKeys: readonly string[];
  readonly bytes: Uint8Array;
  readonly version: string;
  readonly configKeys: readonly string[];
  readonly patchErrors: readonly PatchError[];
  /** The keys of each route. */
  readonly #routeKeys: readonly (readonly string[])[];
  /** As the resource that it was last. */
  #alone: EncodedResource | undefined;

  constructor(
    { name, domains }: Pick<BuiltVirtualHost, "name" | "domains">,
    bytes: Uint8Array,
    keys: { readonly all: readonly string[]; readonly routes: readonly (readonly string[])[] },
    patchErrors: readonly PatchError[],
  ) {
    this.name = name;
    this.domains = domains;
    const lower = domains.map((each) => each.toLowerCase());
    this.domainKeys = lower.every((each, i) => each === domains[i]) ? domains : lower;
    this.bytes = bytes;
    this.version = contentHash(bytes);
    this.configKeys = keys.all;
    this.#routeKeys = keys.routes;
    this.patchErrors = patchErrors;
  }

  get parts(): readonly ResourcePart[] {
    const parts: ResourcePart[] = [];
    for (const { number, bytes } of encodedFields(this.bytes)) {
      if (number !== ROUTES.number) continue;
      const name = stringField(bytes, RouteSchema.field.name.number);
      const configKeys = this.#routeKeys[parts.length] ?? [];
      parts.push({ kind: "route", name, version: contentHash(bytes), configKeys });
    }
    return parts;
  }

  /**
   * The virtual host as a resource of its own (VHDS). The message has the same name: Envoy removes virtual hosts by it.
   * @param name the resource's, unique among all tables of a proxy
   */
  alone(name: string): EncodedResource {
    if (this.#alone?.name !== name) {
      const alone = new VirtualHostResource(name, this, this.#renamed(name, this.domains));
      if (isPatched(this)) noteUnpatched<EncodedResource>(alone, () => unpatched(this)?.alone(name) ?? alone);
      this.#alone = alone;
    }
    return this.#alone;
  }

  /** The bytes with another name and other domains, which stand in front. */
  #renamed(name: string, domains: readonly string[]): Uint8Array {
    let rest = 0;
    for (const { number, end } of encodedFields(this.bytes)) {
      if (number !== NAME.number && number !== DOMAINS.number) break;
      rest = end;
    }
    const writer = new BinaryWriter();
    appendBytes(writer, NAME.number, Buffer.from(name));
    for (const each of domains) appendBytes(writer, DOMAINS.number, Buffer.from(each));
    return writer.raw(this.bytes.subarray(rest)).finish();
  }

  /** The same virtual host with other domains. */
  withDomains(domains: readonly string[]): EncodedVirtualHost {
    const bytes = this.#renamed(this.name, domains);
    const keys = { all: this.configKeys, routes: this.#routeKeys };
    return new EncodedVirtualHost({ name: this.name, domains }, bytes, keys, this.patchErrors);
  }
}

/** A virtual host that is no part of a table. */
class VirtualHostResource implements EncodedResource {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly patchErrors?: readonly PatchError[];
  readonly #host: EncodedVirtualHost;

  constructor(name: string, host: EncodedVirtualHost, bytes: Uint8Array) {
    this.name = name;
    this.bytes = bytes;
    this.#host = host;
    if (host.patchErrors.length > 0) this.patchErrors = host.patchErrors;
  }

  get version(): string {
    return this.#host.version;
  }

  get configKeys(): readonly string[] {
    return this.#host.configKeys;
  }

  get parts(): readonly ResourcePart[] {
    return this.#host.parts;
  }
}

/**
 * Patches a virtual host and encodes it.
 * @param routeConfiguration the name of the table that it is for
 * @returns undefined when a patch removed it
 */
export function encodeVirtualHost(
  scope: Scope,
  built: BuiltVirtualHost,
  routeConfiguration: string,
): EncodedVirtualHost | undefined {
  return patchAndEncode(
    scope,
    built,
    (run, host) => patchVirtualHost(run, host, { routeConfiguration }),
    (host, errors) => {
      const routes = host.routes.map((each) => each.configKeys);
      const all = [...new Set([...host.configKeys, ...routes.flat()])];
      return new EncodedVirtualHost(host, encoded("virtualHost", host), { all, routes }, errors);
    },
  );
}
