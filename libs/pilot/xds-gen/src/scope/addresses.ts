import type { MeshService } from "@xebec/pilot-registry";
import type { ProxyClass } from "./proxy-class.ts";

/**
 * The addresses by which workloads behind proxies call a service: its own, else the virtual one that they get from the agent's DNS, as
 * far as their traffic is captured (docs/reference/pilot.md §1.7).
 */
export function addressesFor(
  { dnsCapture, interception }: Pick<ProxyClass, "dnsCapture" | "interception">,
  { addresses, virtualAddress }: Pick<MeshService, "addresses" | "virtualAddress">,
): readonly string[] {
  if (addresses.length > 0 || !virtualAddress || !dnsCapture || interception === "NONE") return addresses;
  const { ipv4, ipv6 } = virtualAddress;
  return dnsCapture === "dual" ? [ipv4, ipv6] : [dnsCapture === "ipv4" ? ipv4 : ipv6];
}
