import { type Fields, isFields } from "./fields.ts";
import { INIT } from "./pod.ts";

const SPEC = ["initContainers", "containers", "volumes", "dnsConfig", "imagePullSecrets", "securityContext"];

/**
 * What a template makes as a part of a pod. Istio 1.1's templates make the lists of the pod's spec without `spec` around them.
 * @param rendered what the YAML means
 */
export function wholePod(rendered: unknown): Fields {
  if (!isFields(rendered)) return {};
  const isOlder = !("spec" in rendered) && !("metadata" in rendered) && SPEC.some((key) => key in rendered);
  if (!isOlder) return rendered;
  const { rewriteAppHTTPProbe: _values, ...rest } = rendered;
  const spec: Record<string, unknown> = rest;
  // That template says that istio-init restarts always, which its time ignored; today it would never end.
  if (Array.isArray(spec.initContainers))
    spec.initContainers = spec.initContainers.map((each: unknown) => {
      if (!isFields(each) || each.name !== INIT) return each;
      const { restartPolicy: _ignored, ...rest } = each;
      return rest;
    });
  return { spec };
}
