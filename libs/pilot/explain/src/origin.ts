import { type Json, object, string } from "@xebec/pilot-proxy-config";

/** The VirtualService or DestinationRule behind a resource. */
export function sourceOf(resource: Json | undefined): string {
  const config = string(object(object(object(resource?.metadata)?.filter_metadata)?.istio)?.config);
  const found = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(config);
  return found ? `${found[2]} ${found[1]}/${found[3]}` : "";
}
