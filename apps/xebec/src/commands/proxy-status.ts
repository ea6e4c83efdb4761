import { callSupervisor } from "../control.ts";
import { type Format, listing, print, table } from "../output.ts";
import { runDirectory } from "../paths.ts";
import { type ProxySync, syncCell, XDS_TYPES } from "../proxy-sync.ts";

/** `xebec proxy-status`: what each proxy was sent and has accepted. */
export async function proxyStatus(options: { readonly output: Format }): Promise<number> {
  const proxies = await callSupervisor<ProxySync[]>(runDirectory(), "GET", "/proxies");
  const sorted = proxies.toSorted((a, b) => a.proxy.localeCompare(b.proxy));
  // One copy of pilot is nothing to tell apart.
  const several = new Set(sorted.map((each) => each.replica)).size > 1;
  print(
    listing(options.output, sorted, () =>
      table(
        // The version is that of Istio whose metadata the agent speaks, as istioctl prints it; Envoy's is in its /server_info.
        ["NAME", "CDS", "LDS", "EDS", "RDS", "ECDS", ...(several ? ["PILOT"] : []), "ISTIO API"],
        sorted.map((each) => [
          nameOf(each),
          ...XDS_TYPES.map((type) => syncCell(each, type)),
          ...(several ? [each.replica ?? ""] : []),
          each.istio_version,
        ]),
      ),
    ),
  );
  return 0;
}

function nameOf({ proxy, authenticated }: ProxySync): string {
  return authenticated ? proxy : `${proxy} (not authenticated)`;
}
