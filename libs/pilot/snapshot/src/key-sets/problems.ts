import type { MeshState } from "../kinds/mesh-config/state.ts";
import type { ServiceState } from "../services/services.ts";
import type { KeySetState } from "./key-sets.ts";
import { type KeySource, keySetRefOf } from "./references.ts";

/** What of a snapshot says whether a rule has its keys. */
export type KeySetReads = KeySetState & MeshState & Pick<ServiceState, "services">;

/** What is wrong with the keys of a rule, for the condition of its object. @param path of the rule */
export function keySetProblems(rule: KeySource, path: string, snapshot: KeySetReads): string[] {
  const ref = keySetRefOf(rule);
  if (!ref || isFetchedByEnvoy(ref.uri, snapshot)) return [];
  const known = snapshot.keySets.get(ref.id);
  if (!known || known.problem === "") return [];
  const field = ref.uri === "" ? "issuer" : "jwksUri";
  const effect = known.jwks === undefined ? "requests with a token get 401" : "the keys of before are in effect";
  return [`${path}.${field}: ${known.problem}; ${effect}`];
}

/** Whether Envoy fetches these keys itself, whatever pilot has heard of the server. */
function isFetchedByEnvoy(uri: string, { mesh, services }: KeySetReads): boolean {
  if (mesh.jwksFetch !== "hybrid") return mesh.jwksFetch === "envoy";
  if (!URL.canParse(uri)) return false;
  const { hostname, port, protocol } = new URL(uri);
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  return (services.get(hostname) ?? []).some(({ ports }) => ports.some((each) => each.number === number));
}
