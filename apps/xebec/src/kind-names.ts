import { XebecError } from "@xebec/core-errors";
import { ADAPTER_KINDS, findKind, KINDS, TEMPLATE_KINDS } from "@xebec/model-resources";

/** Kubernetes' kinds with the names that kubectl takes. */
const LOCAL: readonly (readonly [kind: string, ...names: string[]])[] = [
  ["Namespace", "namespaces", "ns"],
  ["Service", "services", "svc"],
  ["ServiceAccount", "serviceaccounts", "sa"],
  ["Deployment", "deployments", "deploy"],
  ["ConfigMap", "configmaps", "cm"],
  ["Secret", "secrets"],
];
/** A kind of Mixer's that stands for many: its templates and adapters may be kinds of their own. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = { instance: TEMPLATE_KINDS, handler: ADAPTER_KINDS };

/**
 * Which kinds a word means: a kind, its plural or short name, in any case, or `all`. `instances` and `handlers` mean those
 * that are written in the older way, too, for example `kind: metric`.
 * @throws XebecError invalid_argument with the kinds that there are
 */
export function kindMatcher(text: string): (kind: string) => boolean {
  if (text === "all") return () => true;
  const wanted = text.toLowerCase();
  const local = LOCAL.find(([kind, ...names]) => kind.toLowerCase() === wanted || names.includes(wanted));
  if (local) return (kind) => kind === local[0];
  const known = findKind(text);
  if (known) return (kind) => kind === known.kind || (FAMILIES[known.kind]?.includes(kind) ?? false);
  const istio = KINDS.filter(({ kind }) => !TEMPLATE_KINDS.includes(kind) && !ADAPTER_KINDS.includes(kind));
  const names = [
    ...istio.map(({ plural, shortNames }) => [plural, ...shortNames]),
    ...LOCAL.map(([, ...all]) => all),
  ].map(([plural, short]) => (short ? `${plural} (${short})` : plural));
  throw new XebecError("invalid_argument", `no kind "${text}"; there are ${names.join(", ")}, and all`);
}
