import { labelsMatch } from "@xebec/model-names";
import type { MtlsMode } from "@xebec/model-resources";
import { dependency, type Snapshot } from "@xebec/pilot-snapshot";

/**
 * The mutual TLS mode of a workload's port: port over workload over namespace over mesh; PERMISSIVE when nothing is set
 * (spec/pilot.md §3.7).
 * @param labels the workload's labels; undefined asks for the namespace's mode
 * @param note gets the dependency keys
 */
export function mtlsMode(
  snapshot: Snapshot,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
  port: number | undefined,
  note: (key: string) => void,
): MtlsMode {
  const root = snapshot.mesh.rootNamespace;
  note(dependency.peerAuthentication(root));
  note(dependency.peerAuthentication(namespace));
  const own = snapshot.peerAuthentications.get(namespace) ?? [];
  const hasSelector = (each: (typeof own)[number]): boolean =>
    Object.keys(each.spec.selector?.matchLabels ?? {}).length > 0;
  const given = (mode: string | undefined): MtlsMode | undefined =>
    mode === undefined || mode === "UNSET" ? undefined : (mode as MtlsMode);
  if (labels && namespace !== root) {
    const workload = own.find((each) => hasSelector(each) && labelsMatch(each.spec.selector?.matchLabels, labels));
    const atPort = port === undefined ? undefined : given(workload?.spec.portLevelMtls?.[String(port)]?.mode);
    const mode = atPort ?? given(workload?.spec.mtls?.mode);
    if (mode) return mode;
  }
  const scope = (list: typeof own): MtlsMode | undefined =>
    given(list.find((each) => !hasSelector(each))?.spec.mtls?.mode);
  return scope(own) ?? scope(snapshot.peerAuthentications.get(root) ?? []) ?? "PERMISSIVE";
}
