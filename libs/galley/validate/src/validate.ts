import { didYouMean, XebecError } from "@xebec/core-errors";
import type { RawObject } from "@xebec/core-yaml";
import { MIXER_GROUP } from "@xebec/mixer-config";
import {
  Checker,
  type Kind,
  kindOf,
  type MeshConfigSpec,
  type MeshNetworks,
  type Resource,
  type SourceLocation,
} from "@xebec/model-resources";
import { readProtoJson, type Violation, violationsText } from "@xebec/model-schema";
import { checkEnvoyFilterValues } from "./envoy-filter.ts";
import { isKubernetesGroup, splitVersion } from "./foreign.ts";
import { checkHead, type Identity, namespaceOf } from "./head.ts";
import { type MeshConfigText, meshConfigObject, meshConfigText } from "./mesh-config-map.ts";
import { checkMixer } from "./mixer.ts";
import { type MixerContext, mixerContextOf, STANDARD_CONTEXT } from "./mixer-context.ts";
import { checkUnknownKind, misspelt } from "./unknown.ts";

/** What became of one object. */
export type Validated =
  | {
      readonly outcome: "accepted";
      readonly resource: Resource;
      /** What is most likely not meant, as Istio's webhook warns of it. */
      readonly warnings: readonly Violation[];
    }
  /** A Kubernetes object that is not part of the configuration of the mesh: it belongs to somebody else. */
  | { readonly outcome: "foreign"; readonly group: string; readonly kind: string }
  | {
      readonly outcome: "rejected";
      readonly identity: Identity | undefined;
      readonly violations: readonly Violation[];
    };

export interface ValidateOptions {
  /** Namespace of an object that names none (`default`). */
  readonly defaultNamespace?: string;
  /** Namespace of the control plane (`istio-system`): the mesh configuration is there. */
  readonly systemNamespace?: string;
  /** What there is beside an object of Mixer's; the standard attributes when left out. */
  readonly mixer?: MixerContext;
  readonly origin?: SourceLocation;
}

const NAMESPACES = { defaultNamespace: "default", systemNamespace: "istio-system" } as const;

/** Most fields and values of one object: checking it holds everything else up for some tens of milliseconds. */
const MAX_VALUES = 50_000;

/**
 * Checks one object whole: its head, the structure of its spec by its kind's schema, and the rules of its kind. The same code
 * answers in the webhook, the directory source and the command line.
 * @returns the object as all services see it, in one form of protobuf's JSON; or every violation
 */
export function validateObject({ value }: Pick<RawObject, "value">, options: ValidateOptions = {}): Validated {
  const check = new Checker(namespaceOf(value) ?? options.defaultNamespace);
  const { apiVersion, kind: kindName } = value;
  for (const field of ["apiVersion", "kind"] as const)
    if (typeof value[field] !== "string" || value[field] === "")
      check.fail([field], `is required${misspelt(value, field)}`);
  if (typeof apiVersion !== "string" || typeof kindName !== "string" || check.violations.length > 0)
    return rejected(undefined, check.violations);
  const [group, version] = splitVersion(apiVersion);
  const meshConfig = meshConfigText(value, group);
  if (meshConfig !== undefined) return validateMeshConfig(meshConfig, namespaceOf(value), options);
  const kind = kindOf(group, kindName);
  if (kind) return validateKind(kind, version, value, options, check);
  if (isKubernetesGroup(group)) return { outcome: "foreign", group, kind: kindName };
  checkUnknownKind(group, version, kindName, check);
  return rejected(undefined, check.violations);
}

function validateKind(
  kind: Kind,
  version: string,
  value: Readonly<Record<string, unknown>>,
  options: ValidateOptions,
  check: Checker,
): Validated {
  checkVersion(kind, version, check);
  const identity = checkHead(value, kind, { ...NAMESPACES, ...options }, check);
  if (isLarger(value.spec, MAX_VALUES)) {
    check.fail(["spec"], `has more than ${MAX_VALUES} fields and values; split it`);
    return rejected(identity, check.violations);
  }
  const spec = readProtoJson(kind.schema, value.spec ?? {}, ["spec"]);
  check.violations.push(...spec.violations);
  if (spec.violations.length === 0) {
    kind.check?.(spec.value as never, check);
    checkEnvoyFilterValues(kind, spec.value, check);
    checkMixer(kind, spec.value, check, options.mixer ?? STANDARD_CONTEXT);
  }
  if (check.violations.length > 0 || !identity) return rejected(identity, check.violations);
  const resource = resourceOf(value, identity, version, spec.value, options.origin);
  return { outcome: "accepted", resource, warnings: check.warnings };
}

/**
 * The context that objects make for each other, in whatever order they come. Those that are refused are left out.
 * @param objects as users write them; those of other groups are passed over
 */
export function readMixerContext(objects: readonly Pick<RawObject, "value">[]): MixerContext {
  const own = objects.filter(({ value }) => String(value.apiVersion).startsWith(`${MIXER_GROUP}/`));
  const contextWith = (mixer: MixerContext): MixerContext =>
    mixerContextOf(
      own.flatMap((object) => {
        const result = validateObject(object, { mixer });
        return result.outcome === "accepted" ? [result.resource] : [];
      }),
    );
  // First the attributes, then what uses them.
  return contextWith(contextWith(STANDARD_CONTEXT));
}

function rejected(identity: Identity | undefined, violations: readonly Violation[]): Validated {
  return { outcome: "rejected", identity, violations };
}

function checkVersion(kind: Kind, version: string, check: Checker): void {
  if (kind.versions.includes(version)) return;
  const advice = didYouMean(version, kind.versions) || `; use ${kind.group}/${kind.versions.join(" or ")}`;
  check.fail(["apiVersion"], `${kind.kind} has no version ${version}${advice}`);
}

function isLarger(value: unknown, most: number): boolean {
  const open: unknown[] = [value];
  for (let count = 0; open.length > 0; count++) {
    const each = open.pop();
    if (count > most || open.length > most) return true;
    if (each !== null && typeof each === "object") for (const child of Object.values(each)) open.push(child);
  }
  return false;
}

function resourceOf(
  value: Readonly<Record<string, unknown>>,
  identity: Identity,
  version: string,
  spec: unknown,
  origin: SourceLocation | undefined,
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

function validateMeshConfig(text: MeshConfigText, namespace: string | undefined, options: ValidateOptions): Validated {
  const object = meshConfigObject(text, namespace ?? options.systemNamespace);
  return "message" in object && "path" in object
    ? rejected(undefined, [object as Violation])
    : validateObject({ value: object }, options);
}

/**
 * Reads a mesh configuration that stands in a file by itself, as Istio mounts it.
 * @param source where it stands, for errors
 * @throws XebecError invalid_argument with everything that is wrong with it
 */
export function parseMeshConfig(text: string, source: string): MeshConfigSpec {
  return meshConfigIn({ mesh: text, networks: "" }, source);
}

/**
 * Reads networks that stand in a file by themselves, as Istio mounts them.
 * @param source where they stand, for errors
 * @throws XebecError invalid_argument with everything that is wrong with them
 */
export function parseMeshNetworks(text: string, source: string): MeshNetworks {
  return meshConfigIn({ mesh: "", networks: text }, source).meshNetworks ?? {};
}

function meshConfigIn(text: MeshConfigText, source: string): MeshConfigSpec {
  const result = validateMeshConfig(text, undefined, {});
  if (result.outcome === "accepted") return result.resource.spec as MeshConfigSpec;
  const why = result.outcome === "rejected" ? violationsText(result.violations) : "is not a mesh configuration";
  throw new XebecError("invalid_argument", `${source}: ${why}`);
}
