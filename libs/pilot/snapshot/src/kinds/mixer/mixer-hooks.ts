import { collectionOf, type InstanceSpec, keyOf, type Resource, type RuleSpec } from "@xebec/model-resources";

/** Templates that are asked before a request goes on; all others only report (docs/reference/mixer.md §5). */
const CHECK_TEMPLATES: ReadonlySet<string> = new Set(["checknothing", "listentry", "quota", "apikey", "authorization"]);

/** A rule that may decide about requests. */
export interface CheckRule {
  readonly key: string;
  readonly match: string;
  /** Rules outside the root namespace apply to their own namespace's services only. */
  readonly namespace: string;
}

/** What pilot must know of Mixer's configuration: where a proxy has to ask, and whether it has to report. */
export interface MixerHooks {
  readonly checks: readonly CheckRule[];
  readonly reports: boolean;
  /** Headers that some expression reads: proxies put them into their reports. */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
}

export const NO_MIXER: MixerHooks = { checks: [], reports: false, requestHeaders: [], responseHeaders: [] };

/** Objects of the group `config.istio.io`, by `keyOf`. */
export interface MixerObjects {
  get(key: string): Resource | undefined;
  values(): Iterable<Resource>;
}

/**
 * Reads Mixer's rules, only as far as to know which sort of work each asks for.
 */
export function mixerHooksOf(resources: MixerObjects): MixerHooks {
  const checks: CheckRule[] = [];
  let reports = false;
  const sorted = [...resources.values()]
    .filter((each) => each.kind === "rule")
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const rule of sorted as Resource<RuleSpec>[]) {
    const templates = (rule.spec.actions ?? []).flatMap((action) =>
      (action.instances ?? []).map((reference) => templateOf(reference, rule.namespace, resources)),
    );
    if (templates.some((each) => each !== undefined && !CHECK_TEMPLATES.has(each))) reports = true;
    const asks =
      templates.some((each) => each !== undefined && CHECK_TEMPLATES.has(each)) ||
      (rule.spec.requestHeaderOperations?.length ?? 0) > 0 ||
      (rule.spec.responseHeaderOperations?.length ?? 0) > 0;
    if (asks) checks.push({ key: keyOf(rule), match: rule.spec.match ?? "", namespace: rule.namespace });
  }
  const text = reports ? JSON.stringify([...resources.values()].map((each) => each.spec)) : "";
  return { checks, reports, requestHeaders: headersIn(text, "request"), responseHeaders: headersIn(text, "response") };
}

/** The template of an instance reference: `name`, `name.namespace`, `name.kind`, `name.kind.namespace`. */
function templateOf(reference: string, namespace: string, resources: MixerObjects): string | undefined {
  const [name = "", second, third] = reference.split(".");
  const find = (kind: string, ns: string): Resource | undefined =>
    resources.get(`config.istio.io/${kind}/${ns}/${name}`);
  if (third !== undefined || (second !== undefined && find(second, namespace))) {
    const found = second === undefined ? undefined : find(second, third ?? namespace);
    return found && second === "instance"
      ? compiledTemplate(found)
      : found
        ? collectionOf(found).split("/")[1]
        : undefined;
  }
  return compiledTemplate(find("instance", second ?? namespace));
}

function compiledTemplate(resource: Resource | undefined): string | undefined {
  const spec = resource?.spec as InstanceSpec | undefined;
  return spec?.compiledTemplate ?? spec?.template?.split(".")[0];
}

/** The names in `request.headers["name"]` of a JSON text. */
function headersIn(text: string, side: "request" | "response"): string[] {
  const found = text.matchAll(
    new RegExp(`${side}\\.headers\\s*\\[\\s*\\\\?["\x60]([^"\x60\\\\]{1,100})\\\\?["\x60]`, "g"),
  );
  return [...new Set([...found].map((each) => (each[1] as string).toLowerCase()))].sort();
}
