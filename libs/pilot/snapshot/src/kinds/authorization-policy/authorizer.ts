import type { ServiceState } from "../../services/services.ts";
import type { MeshState } from "../mesh-config/state.ts";
import type { AuthorizationPolicy } from "./state.ts";

const PATH = "spec.provider.name";
const DENIED = "what the rules match is denied";

/** Why the authorizer of a policy with action CUSTOM is not asked, or not about everything. */
export function authorizerProblems(
  { spec, dryRun }: AuthorizationPolicy,
  { mesh, services }: MeshState & ServiceState,
): string[] {
  if (dryRun)
    return ["metadata.annotations[istio.io/dry-run]: with action CUSTOM nobody is asked, and nothing is counted"];
  const name = spec.provider?.name ?? "";
  const provider = mesh.extensionProviders.find((each) => each.name === name);
  const { envoyExtAuthzHttp: http, envoyExtAuthzGrpc: grpc } = provider ?? {};
  const settings = http ?? grpc;
  if (!settings) {
    const known = mesh.extensionProviders
      .filter((each) => each.envoyExtAuthzHttp ?? each.envoyExtAuthzGrpc)
      .map((each) => each.name);
    const there = known.length > 0 ? `there are ${known.join(", ")}` : "it has none";
    return [`${PATH}: MeshConfig's extensionProviders have no ext_authz provider "${name}" (${there}); ${DENIED}`];
  }
  const { service, port } = settings;
  const [host = "", namespace] = service.split("/").reverse();
  const found = (services.get(host) ?? []).find((each) => namespace === undefined || each.namespace === namespace);
  if (!found) return [`${PATH}: no service ${service}, which the provider "${name}" names; ${DENIED}`];
  if (!found.ports.some((each) => each.number === port))
    return [`${PATH}: service ${service} of the provider "${name}" has no port ${port}; ${DENIED}`];
  return [];
}
