import { didYouMean, XebecError } from "@xebec/core-errors";
import { type RawObject, readYaml, YamlFault } from "@xebec/core-yaml";
import { createVocabulary, type Vocabulary } from "@xebec/model-attributes";
import {
  annotationBytes,
  checkStructure,
  type Kind,
  kindOf,
  MAX_ANNOTATION_BYTES,
  type MeshConfigSpec,
  type Origin,
  pathText,
  type Resource,
  type Violation,
} from "@xebec/model-resources";
import { checkDestinationRule } from "./destination-rule.ts";
import { checkGateway, checkGatewayName } from "./gateway.ts";
import { checkMeshConfig, checkMeshIdentity } from "./mesh-config.ts";
import { checkHandler, checkInstance, checkManifest, checkRule } from "./mixer.ts";
import { checkPeerAuthentication } from "./peer-authentication.ts";
import { Checker } from "./rules.ts";
import { checkServiceEntry } from "./service-entry.ts";
import { checkHeadFields, checkUnknownKind, misspelt } from "./unknown.ts";
import { checkVirtualService } from "./virtual-service.ts";

/** What became of one object. */
export type Validated =
  | {
      readonly outcome: "accepted";
      readonly resource: Resource;
      /** What is most likely not meant, as Istio's webhook warns of it. */
      readonly warnings: readonly Violation[];
    }
  /** A Kubernetes object that is no configuration of the mesh: it belongs to somebody else. */
  | { readonly outcome: "foreign"; readonly group: string; readonly kind: string }
  | {
      readonly outcome: "rejected";
      readonly identity: Identity | undefined;
      readonly violations: readonly Violation[];
    };

export interface Identity {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface ValidateOptions {
  /** Namespace of an object that names none (`default`). */
  readonly defaultNamespace?: string;
  /** Attributes that expressions may use; the standard ones when left out. */
  readonly vocabulary?: Vocabulary;
  readonly origin?: Origin;
}

/** Groups of Kubernetes itself: their objects are not ours to judge. */
const KUBERNETES_GROUPS = /^(|apps|extensions|batch|autoscaling|policy|([a-z-]+\.)+k8s\.io)$/;
const MESH_CONFIG_MAP = { name: "istio", key: "mesh" } as const;
/** Annotations that Istio sets inside itself; its webhook refuses them (docs/reference/platform.md §3.11). */
const REFUSED_ANNOTATIONS = [
  "internal.istio.io/webhook-always-reject",
  "internal.istio.io/parents",
  "internal.istio.io/parent-namespace",
];
/** An RFC 1123 subdomain, whose labels Kubernetes does not limit, and a label. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME = 253;
/** Most fields and values of one object: checking it holds everything else up for some tens of milliseconds. */
const MAX_VALUES = 50_000;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

// biome-ignore format: one line a kind
const SEMANTICS: Readonly<Record<string, (spec: never, check: Checker, vocabulary: Vocabulary) => void>> = {
  "networking.istio.io/VirtualService": checkVirtualService,
  "networking.istio.io/DestinationRule": checkDestinationRule,
  "networking.istio.io/Gateway": checkGateway,
  "networking.istio.io/ServiceEntry": checkServiceEntry,
  "security.istio.io/PeerAuthentication": checkPeerAuthentication,
  "mesh.xebec.io/MeshConfig": checkMeshConfig,
  "config.istio.io/rule": checkRule,
  "config.istio.io/handler": checkHandler,
  "config.istio.io/instance": checkInstance,
  "config.istio.io/attributemanifest": checkManifest,
};

/**
 * Checks one object whole: its head, the structure of its spec, and the rules of its kind. The same code answers in the
 * webhook, the directory source and the command line.
 */
export function validateObject({ value }: Pick<RawObject, "value">, options: ValidateOptions = {}): Validated {
  const check = new Checker(namespaceOf(value) ?? options.defaultNamespace);
  const reject = (identity: Identity | undefined): Validated => ({
    outcome: "rejected",
    identity,
    violations: check.violations,
  });
  const { apiVersion, kind: kindName } = value;
  for (const field of ["apiVersion", "kind"] as const)
    if (typeof value[field] !== "string" || value[field] === "")
      check.fail([field], `is required${misspelt(value, field)}`);
  if (typeof apiVersion !== "string" || typeof kindName !== "string" || check.violations.length > 0)
    return reject(undefined);
  const [group, version] = splitVersion(apiVersion);
  const meshText = meshConfigOf(value, group);
  if (meshText !== undefined) return validateMeshConfig(meshText, value, options);
  const kind = kindOf(group, kindName);
  if (!kind) {
    if (KUBERNETES_GROUPS.test(group)) return { outcome: "foreign", group, kind: kindName };
    checkUnknownKind(group, version, kindName, check);
    return reject(undefined);
  }
  if (!kind.versions.includes(version))
    check.fail(
      ["apiVersion"],
      `${kind.kind} has no version ${version}${didYouMean(version, kind.versions) || `; use ${group}/${kind.versions.join(" or ")}`}`,
    );
  const identity = checkHead(value, kind, options.defaultNamespace ?? "default", check);
  if (identity && kind.kind === "MeshConfig") checkMeshIdentity(identity, check);
  if (identity && kind.kind === "Gateway") checkGatewayName(identity.name, check);
  if (isLarger(value.spec, MAX_VALUES)) {
    check.fail(["spec"], `has more than ${MAX_VALUES} fields and values; split it`);
    return reject(identity);
  }
  const structure = checkStructure(kind.schema, value.spec ?? {});
  check.violations.push(...structure.violations);
  const semantics = SEMANTICS[`${group}/${kind.kind}`];
  if (structure.violations.length === 0 && semantics)
    semantics(structure.value as never, check, options.vocabulary ?? STANDARD);
  if (check.violations.length > 0 || !identity) return reject(identity);
  const resource = resourceOf(value, identity, version, structure.value, options.origin);
  return { outcome: "accepted", resource, warnings: check.warnings };
}

function namespaceOf({ metadata }: Readonly<Record<string, unknown>>): string | undefined {
  const namespace = (metadata as { namespace?: unknown } | null | undefined)?.namespace;
  return typeof namespace === "string" ? namespace : undefined;
}

const STANDARD = createVocabulary();

function isLarger(value: unknown, most: number): boolean {
  const open: unknown[] = [value];
  for (let count = 0; open.length > 0; count++) {
    const each = open.pop();
    if (count > most || open.length > most) return true;
    if (each !== null && typeof each === "object") for (const child of Object.values(each)) open.push(child);
  }
  return false;
}

/** Whether an object belongs to somebody else: then it is not read, however large it is. */
export function isForeign(apiVersion: string, kind: string): boolean {
  const [group] = splitVersion(apiVersion);
  return KUBERNETES_GROUPS.test(group) && apiVersion !== "" && !(group === "" && kind === "ConfigMap");
}

function splitVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.lastIndexOf("/");
  return slash === -1 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

function checkHead(
  value: Readonly<Record<string, unknown>>,
  kind: Kind,
  defaultNamespace: string,
  check: Checker,
): Identity | undefined {
  checkHeadFields(value, check);
  const metadata = value.metadata;
  if (metadata === null || typeof metadata !== "object" || Array.isArray(metadata)) {
    check.fail(["metadata"], "is required");
    return undefined;
  }
  const { name, namespace = defaultNamespace, labels, annotations } = metadata as Record<string, unknown>;
  if (typeof name !== "string" || name.length > MAX_NAME || !SUBDOMAIN.test(name)) {
    check.fail(
      ["metadata", "name"],
      name === undefined
        ? "is required"
        : typeof name !== "string"
          ? `must be a text, not ${JSON.stringify(name)}; put it in quotes`
          : `${JSON.stringify(name)} is no object name: at most ${MAX_NAME} lower-case letters, digits, - and .`,
    );
    return undefined;
  }
  if (typeof namespace !== "string" || !NAMESPACE.test(namespace)) {
    check.fail(
      ["metadata", "namespace"],
      `${JSON.stringify(namespace)} is no namespace: at most 63 lower-case letters, digits and -`,
    );
    return undefined;
  }
  for (const [field, map] of Object.entries({ labels, annotations })) {
    if (map === undefined || map === null) continue;
    if (typeof map !== "object" || Array.isArray(map)) check.fail(["metadata", field], "must be a map of texts");
    else
      for (const [key, each] of Object.entries(map))
        if (typeof each !== "string")
          check.fail(["metadata", field, key], `must be a text, not ${JSON.stringify(each)}; put it in quotes`);
  }
  const size = annotationBytes(annotations);
  if (size > MAX_ANNOTATION_BYTES)
    check.fail(
      ["metadata", "annotations"],
      `have ${size} bytes together, more than ${MAX_ANNOTATION_BYTES} (256 KiB), which is Kubernetes' limit`,
    );
  for (const name of REFUSED_ANNOTATIONS)
    if (annotations && typeof annotations === "object" && Object.hasOwn(annotations, name))
      check.fail(["metadata", "annotations", name], "is Istio's own and may not be set");
  return { group: kind.group, kind: kind.kind, namespace, name };
}

function resourceOf(
  value: Readonly<Record<string, unknown>>,
  identity: Identity,
  version: string,
  spec: unknown,
  origin: Origin | undefined,
): Resource {
  const metadata = value.metadata as {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: unknown;
    generation?: unknown;
  };
  return {
    ...identity,
    version,
    ...(metadata.labels ? { labels: metadata.labels } : {}),
    ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
    ...(typeof metadata.creationTimestamp === "string" ? { creationTimestamp: metadata.creationTimestamp } : {}),
    ...(typeof metadata.generation === "number" ? { generation: metadata.generation } : {}),
    ...(origin ? { origin } : {}),
    spec,
  };
}

/** Istio keeps its mesh configuration as a text in the config map `istio`, key `mesh`. */
function meshConfigOf(value: Readonly<Record<string, unknown>>, group: string): string | undefined {
  if (group !== "" || value.kind !== "ConfigMap") return undefined;
  const { metadata, data } = value as { metadata?: { name?: unknown }; data?: Record<string, unknown> };
  const text = metadata?.name === MESH_CONFIG_MAP.name ? data?.[MESH_CONFIG_MAP.key] : undefined;
  return typeof text === "string" ? text : undefined;
}

function validateMeshConfig(
  text: string,
  value: Readonly<Record<string, unknown>>,
  options: ValidateOptions,
): Validated {
  const { metadata } = value as { metadata: { namespace?: string } };
  try {
    const spec: unknown = readYaml(text) ?? {};
    const head = { name: "mesh", namespace: metadata.namespace ?? "istio-system" };
    return validateObject(
      { value: { apiVersion: "mesh.xebec.io/v1", kind: "MeshConfig", metadata: head, spec } },
      options,
    );
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    const violations = [{ path: ["data", MESH_CONFIG_MAP.key], message: error.text }];
    return { outcome: "rejected", identity: undefined, violations };
  }
}

/**
 * Reads a mesh configuration that stands in a file by itself, as Istio mounts it.
 * @param source where it stands, for errors
 * @throws XebecError invalid_argument with everything that is wrong with it
 */
export function parseMeshConfig(text: string, source: string): MeshConfigSpec {
  const result = validateMeshConfig(text, { metadata: {} }, {});
  if (result.outcome === "accepted") return result.resource.spec as MeshConfigSpec;
  const why = result.outcome === "rejected" ? violationsText(result.violations) : "is no mesh configuration";
  throw new XebecError("invalid_argument", `${source}: ${why}`);
}

/** One sentence for all violations of an object, as the webhook and the log say it. */
export function violationsText(violations: readonly Violation[]): string {
  return violations.map(violationText).join("; ");
}

/** A violation or a warning with its field. */
export function violationText({ path, message }: Violation): string {
  return `${pathText(path)}: ${message}`;
}
