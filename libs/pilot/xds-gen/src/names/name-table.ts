import { isIP } from "node:net";
import { NameTable_NameInfoSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";
import { isHttp } from "@xebec/model-names";
import { type MeshEndpoint, type MeshService, namedPort } from "@xebec/pilot-registry";
import { appendBytes, BinaryWriter, bytesOf } from "../encode/wire.ts";
import { FIRST_UNPRIVILEGED_PORT } from "../listener/outbound/explicit-listeners.ts";
import { addressesFor } from "../scope/addresses.ts";
import type { Keyed } from "../scope/keyed.ts";
import type { Scope } from "../scope/scope.ts";

/** Of the map entries of a NameTable. */
const KEY = 1;
const VALUE = 2;

/** Where the workload is that looks names up. */
export type Resolver = Keyed<{
  /** Empty where it is not known. */
  readonly network: string;
  /** The proxy's address, where traffic is not captured: there it listens for what has no address of its own. Empty elsewhere. */
  readonly own: string;
}>;

/**
 * The entries of a name table, encoded: the names of a service, and of the pods of a headless one (docs/reference/pilot.md §2.11).
 * Hosts without any address have none, and are looked up elsewhere.
 */
export function nameEntries(scope: Scope, service: MeshService, resolver: Resolver): readonly Uint8Array[] {
  return scope.cachedOf(`names/${service.host}/${resolver.key}`, service, (inner) =>
    [...namesOf(inner, service, resolver)].map(([host, ips, shortname]) => entryOf(service, host, ips, shortname)),
  );
}

type Named = readonly [host: string, ips: readonly string[], shortname?: string];

function* namesOf(scope: Scope, service: MeshService, resolver: Resolver): Generator<Named> {
  const addresses = addressesFor(scope.proxyClass, service);
  const ips = addresses.filter((each) => isIP(each) !== 0);
  if (ips.length > 0) yield [service.host, ips];
  else if (addresses.length > 0 || service.alias !== undefined) return;
  else if (service.headless) yield* podNames(scope, service, resolver);
  else if (resolver.own && isBound(service)) yield [service.host, [resolver.own]];
}

/** A headless service has the addresses of its pods, and each pod a name of its own. */
function* podNames(scope: Scope, service: MeshService, { network }: Resolver): Generator<Named> {
  const port = service.ports[0]?.name;
  const isHere = (each: MeshEndpoint): boolean =>
    isIP(each.address) !== 0 && (!each.network || !network || each.network === network);
  const pods = scope.endpoints(service).filter((each) => isHere(each) && port && namedPort(each.ports, port));
  if (pods.length > 0) yield [service.host, [...new Set(pods.map(({ address }) => address))]];
  const domain = service.host.slice(service.host.indexOf(".") + 1);
  for (const { address, hostname, subdomain } of pods) {
    if (!hostname || !subdomain) continue;
    const shortname = `${hostname}.${subdomain}`;
    yield [`${shortname}.${domain}`, [address], shortname];
  }
}

/** Whether a proxy without traffic capture listens for the service on its own address. */
function isBound({ ports, resolution }: MeshService): boolean {
  if (resolution === "passthrough" || resolution === "dynamic-dns") return false;
  return ports.some(
    ({ protocol, number }) => !isHttp(protocol) && protocol !== "UDP" && number >= FIRST_UNPRIVILEGED_PORT,
  );
}

function entryOf(
  { kubernetes, name, namespace }: MeshService,
  host: string,
  ips: readonly string[],
  shortname = name,
): Uint8Array {
  const info = bytesOf(NameTable_NameInfoSchema, {
    ips: [...ips],
    registry: kubernetes ? "Kubernetes" : "External",
    ...(kubernetes ? { shortname, namespace } : {}),
  });
  const writer = new BinaryWriter();
  appendBytes(writer, KEY, Buffer.from(host));
  return appendBytes(writer, VALUE, info).finish();
}
