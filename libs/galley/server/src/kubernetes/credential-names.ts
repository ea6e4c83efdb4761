import type { Resource } from "@xebec/model-resources";

/** Secrets and ConfigMaps that objects name. */
export interface CredentialNames {
  /** By name, in whatever namespace the gateway runs; or `<namespace>/<name>`. */
  readonly secrets: ReadonlySet<string>;
  /** `<namespace>/<name>`. */
  readonly configMaps: ReadonlySet<string>;
}

const KINDS: ReadonlySet<string> = new Set(["Gateway", "DestinationRule"]);
/** The Secret with the authorities that clients are verified by, beside the one with the certificate (docs/reference/pilot.md §2.12). */
const ROOTS = "-cacert";

/** The credentials that Gateways and DestinationRules name, and those of the registries of WasmPlugins. @param resources objects of all kinds */
export function credentialNamesOf(resources: Iterable<Resource>): CredentialNames {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const add = (text: unknown, withRoots: boolean): void => {
    if (typeof text !== "string" || text === "") return;
    const [, scheme = "kubernetes", name = ""] = /^(?:([a-z-]+):\/\/)?(.+)$/.exec(text) ?? [];
    if (scheme === "configmap") configMaps.add(name);
    if (scheme !== "kubernetes" && scheme !== "kubernetes-gateway") return;
    secrets.add(name);
    if (withRoots && !name.endsWith(ROOTS)) secrets.add(`${name}${ROOTS}`);
  };
  const visit = (value: unknown, isClient: boolean): void => {
    if (value === null || typeof value !== "object") return;
    if (Array.isArray(value)) {
      for (const each of value) visit(each, isClient);
      return;
    }
    const { credentialName, credentialNames, caCertCredentialName, mode } = value as Readonly<Record<string, unknown>>;
    const withRoots = isClient || String(mode).endsWith("MUTUAL");
    add(credentialName, withRoots);
    if (Array.isArray(credentialNames)) for (const each of credentialNames) add(each, withRoots);
    add(caCertCredentialName, false);
    for (const each of Object.values(value)) visit(each, isClient);
  };
  for (const { kind, namespace, spec } of resources) {
    if (KINDS.has(kind)) visit(spec, kind === "DestinationRule");
    const { imagePullSecret } = kind === "WasmPlugin" ? (spec as { imagePullSecret?: string }) : {};
    if (imagePullSecret) secrets.add(`${namespace}/${imagePullSecret}`);
  }
  return { secrets, configMaps };
}
