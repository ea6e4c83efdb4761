import { hostCovers, hostsOverlap, resolveShortName } from "@xebec/model-names";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isIp } from "../../rules/names.ts";
import type { VirtualServiceSpec } from "./schema.ts";

/** Names that gateways of other clusters give to services of this one. */
const OUTBOUND_SNI = /^outbound_[^_]*[0-9][^_]*_[^_]*_[^_]*[a-zA-Z]/;

/** Whether the rules are for sidecars, too. */
export function isForMesh({ gateways }: VirtualServiceSpec): boolean {
  return !gateways?.length || gateways.includes("mesh");
}

/** Hosts are names that do not overlap; the mesh cannot have `*`. */
export function checkHosts({ hosts = [], tls }: VirtualServiceSpec, forMesh: boolean, check: Checker): void {
  const before = check.violations.length;
  for (const [i, host] of hosts.entries()) {
    const path = ["spec", "hosts", i];
    if (!forMesh && tls?.length && OUTBOUND_SNI.test(host)) continue;
    check.host(host, path, { ip: true });
    if (host === "*" && forMesh) check.fail(path, "the host * needs a gateway; for the mesh name the hosts");
  }
  if (check.violations.length > before) return;
  for (const [i, host] of hosts.entries()) {
    const other = hosts.slice(0, i).find((each) => hostsOverlap(each, host));
    if (other === host) check.fail(["spec", "hosts", i], `"${host}" is set twice`);
    else if (other !== undefined)
      check.fail(["spec", "hosts", i], `"${host}" overlaps with "${other}"; keep one of them`);
  }
}

/** A server name of a TLS match is one of the hosts. */
export function checkSni(sni: string, spec: VirtualServiceSpec, path: Path, check: Checker): void {
  if (isIp(sni)) {
    check.warn(path, `"${sni}" is an address, which TLS clients do not send as a name`);
    return;
  }
  if (isForMesh(spec) || !OUTBOUND_SNI.test(sni)) check.host(sni, path);
  if (
    !spec.hosts?.some(
      (host) => host === sni || hostCovers(resolveShortName(host, "x", "y"), sni) || hostCovers(host, sni),
    )
  )
    check.fail(path, `"${sni}" is none of the hosts of this VirtualService`);
}
