import {
  type Adapters,
  checkAdapterObject,
  checkHandler,
  checkInstanceParams,
  checkManifest,
  checkRemoteHandler,
  checkRemoteInstance,
  checkTemplateObject,
  conflictText,
  handlerPolicyOf,
  type InstanceParts,
  instanceParts,
  isRemote,
  type KnownHandler,
  type KnownInstance,
  type ManifestSpec,
  type MixerObject,
  type MixerViolation,
  type RemoteAdapterInfo,
  readSpec,
} from "@xebec/mixer-config";
import type { Adapter, AdapterInfo, AdapterLog, HandlerLimits, Variety } from "@xebec/mixer-sdk";
import type { WireTemplate } from "@xebec/mixer-wire";
import { createVocabulary, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { fullName, resolveReference, TEMPLATES, type Template } from "@xebec/model-mixer";
import type {
  AdapterSpec,
  Connection,
  HandlerSpec,
  InstanceSpec,
  Resource,
  TemplateObjectSpec,
} from "@xebec/model-resources";
import { pathText, violationsText } from "@xebec/model-schema";
import type { Conditions } from "./condition.ts";
import type { CheckedHandler, HandlerTable } from "./handlers.ts";
import type { CheckedInstance } from "./instance-plan.ts";
import type { Recorder } from "./recorder.ts";

export interface CompileOptions {
  /** The adapters that run here, by name. */
  readonly adapters: ReadonlyMap<string, Adapter>;
  /** The descriptions of all adapters of the mesh, by name. */
  readonly catalogue: Adapters;
  /** What handlers may reach; absent: whatever there is. */
  readonly limits: HandlerLimits | undefined;
  readonly varieties: ReadonlySet<Variety>;
  /** Rules of this namespace hold for all. */
  readonly defaultNamespace: string;
  /** Whether handlers may be of a kind that is an adapter's name. */
  readonly legacyHandlers: boolean;
  /** Attributes that get a slot although no expression reads them. */
  readonly inputs: readonly string[];
  /** Who records requests; while somebody does, all attributes get a slot. */
  readonly recorder: Recorder;
  readonly table: HandlerTable;
  readonly log: AdapterLog;
  /** Makes adapters that run elsewhere; absent: there are none. */
  readonly remote: RemoteFactory | undefined;
  /** Called with the name of each quota that is asked for by name. */
  readonly asked: (quota: string) => void;
}

/** Adapters in processes of their own, and templates of theirs, by full name. */
export interface RemoteObjects {
  readonly templates: ReadonlyMap<string, WireTemplate>;
  readonly adapters: ReadonlyMap<string, RemoteAdapterInfo>;
}

/** Gives the same adapter for the same description: handlers go on then. */
export interface RemoteFactory {
  /** One that an object of kind `adapter` describes; its handlers' configuration is a RemoteConfig. */
  described(info: RemoteAdapterInfo): Adapter;
  /** One of the service's own, at a handler's connection. */
  elsewhere(adapter: AdapterInfo, connection: Connection): Adapter;
}

export interface Handled extends KnownHandler {
  readonly resource: Resource;
  /** False when another service runs this adapter, or the server itself does its work. */
  readonly ours: boolean;
  readonly checked: CheckedHandler | undefined;
  /** What is wrong with it although it works. */
  readonly problems?: readonly string[];
}

export interface Instanced extends KnownInstance {
  readonly resource: Resource;
  readonly checked: CheckedInstance | undefined;
}

/** Refuses an object for what is wrong in it. */
export function rejectFor(resource: Resource, violations: readonly MixerViolation[], conditions: Conditions): void {
  const [first] = violations;
  if (first) conditions.reject(resource, first.reason, violationsText(violations));
}

/** Reads an object's spec by its kind's schema. @returns undefined when it is wrong; then it has a condition */
export function readObject(resource: Resource, conditions: Conditions): MixerObject | undefined {
  const { spec, violations } = readSpec(resource);
  rejectFor(resource, violations, conditions);
  return violations.length > 0 ? undefined : { kind: resource.kind, spec };
}

export function readManifests(resources: readonly Resource[], conditions: Conditions): Vocabulary {
  const declared: [string, ValueType, Resource][] = [];
  for (const resource of resources) {
    const object = resource.kind === "attributemanifest" ? readObject(resource, conditions) : undefined;
    if (!object) continue;
    const { attributes, violations } = checkManifest(object.spec as ManifestSpec);
    if (violations.length > 0) rejectFor(resource, violations, conditions);
    else conditions.accept(resource, "attached", "Compiled", "its attributes are in the vocabulary");
    for (const [name, type] of attributes) declared.push([name, type, resource]);
  }
  return createVocabulary(
    declared.map(([name, type]) => [name, type] as const),
    ({ attribute, type, existing }) => {
      const culprit = declared.find(([name, each]) => name === attribute && each === type)?.[2];
      const place = pathText(["spec", "attributes", attribute]);
      if (culprit) conditions.reject(culprit, "Conflict", `${place}: ${conflictText(existing, type)}`);
    },
  );
}

/** Reads the objects of kinds `template` and `adapter`. */
export function readRemotes(resources: readonly Resource[], conditions: Conditions): RemoteObjects {
  const templates = new Map<string, WireTemplate>();
  const adapters = new Map<string, RemoteAdapterInfo>();
  for (const kind of ["template", "adapter"])
    for (const resource of resources) {
      const object = resource.kind === kind ? readObject(resource, conditions) : undefined;
      if (!object) continue;
      const name = fullName(resource.name, kind, resource.namespace);
      if (kind === "template") {
        const { wire, violations } = checkTemplateObject(name, object.spec as TemplateObjectSpec);
        rejectFor(resource, violations, conditions);
        if (wire) templates.set(name, wire);
      } else {
        const { info, violations } = checkAdapterObject(
          name,
          resource.namespace,
          object.spec as AdapterSpec,
          templates,
        );
        rejectFor(resource, violations, conditions);
        if (info) adapters.set(name, info);
      }
      conditions.accept(resource, "attached", "Compiled", `handlers and instances may name it`);
    }
  return { templates, adapters };
}

/** Reads a handler of an adapter in a process of its own. */
function readRemoteHandler(
  resource: Resource,
  spec: HandlerSpec,
  options: CompileOptions,
  remotes: RemoteObjects,
  conditions: Conditions,
): Handled {
  const reference = spec.adapter ?? "";
  const info = resolveReference(remotes.adapters, reference, "adapter", resource.namespace);
  if (!info || !options.remote) {
    const message = options.remote
      ? `there is no adapter "${reference}" (seen from namespace ${resource.namespace})`
      : "this service calls no adapters in processes of their own";
    rejectFor(resource, [{ path: ["spec", "adapter"], message, reason: "MissingReference" }], conditions);
    return rejectedHandler(resource);
  }
  const { config, violations } = checkRemoteHandler(spec, info);
  const name = fullName(resource.name, "handler", resource.namespace);
  const known = { name, resource, templates: info.templates.map((each) => each.template.name), rejected: false };
  if (!info.templates.some((each) => isOurs(each.template, options)))
    return { ...known, ours: false, checked: undefined };
  rejectFor(resource, violations, conditions);
  if (!config) return rejectedHandler(resource);
  const adapter = options.remote.described(info);
  const timeout = spec.connection?.timeout;
  const { policy, problems } = handlerPolicyOf(resource, timeout ? { timeout } : undefined);
  conditions.accept(resource, "compiled", "Unused", "valid, but no rule that is in effect uses it");
  return { ...known, ours: true, problems, checked: { name, adapter, config, paramsPath: ["spec", "params"], policy } };
}

/** Reads a handler. */
export function readHandler(
  resource: Resource,
  options: CompileOptions,
  remotes: RemoteObjects,
  conditions: Conditions,
): Handled {
  const object = readObject(resource, conditions);
  if (!object) return rejectedHandler(resource);
  if (isRemote(object)) return readRemoteHandler(resource, object.spec as HandlerSpec, options, remotes, conditions);
  const { adapterName, adapter, templates, config, paramsPath, violations } = checkHandler(
    object,
    options.catalogue,
    options.limits,
  );
  const legacy = resource.kind !== "handler";
  const name = legacy
    ? fullName(resource.name, resource.kind, resource.namespace)
    : `${resource.name}.${resource.namespace}`;
  const known = { name, resource, templates, rejected: false };
  if (adapter?.builtIn !== undefined && violations.length === 0) {
    conditions.accept(resource, "attached", "BuiltIn", adapter.builtIn);
    return { ...known, ours: false, checked: undefined };
  }
  // Of an adapter of the other service that one speaks; of one that nobody has both do.
  const isServed = (template: string): boolean => isOurs(TEMPLATES.get(template), options);
  if (templates.length > 0 && !templates.some(isServed)) return { ...known, ours: false, checked: undefined };
  rejectFor(resource, violations, conditions);
  const connection = connectionOf(legacy ? undefined : (object.spec as HandlerSpec).connection, adapter);
  const own =
    adapter && connection && options.remote
      ? options.remote.elsewhere(adapter, connection)
      : options.adapters.get(adapterName);
  // Its templates are known: a check that it should have made is denied.
  if (violations.length > 0 && adapter) return { ...known, ours: true, checked: undefined };
  if (violations.length > 0 || !config || !own) return rejectedHandler(resource);
  const { policy, problems } = handlerPolicyOf(resource, own.failure);
  conditions.accept(resource, "compiled", "Unused", "valid, but no rule that is in effect uses it");
  return { ...known, ours: true, problems, checked: { name, adapter: own, config, paramsPath, policy } };
}

/** Where the adapter runs; undefined: in this process. */
function connectionOf(given: Connection | undefined, adapter: AdapterInfo | undefined): Connection | undefined {
  if (given?.address) return given;
  return adapter?.worker?.always ? { ...given, address: "worker://" } : undefined;
}

function isOurs(template: Template | undefined, { varieties }: CompileOptions): boolean {
  return template !== undefined && varieties.has(template.variety);
}

const rejectedHandler = (resource: Resource): Handled => ({
  name: resource.name,
  resource,
  templates: [],
  ours: true,
  rejected: true,
  checked: undefined,
});

/** Reads an instance; undefined when its template is not known at all. */
export function readInstance(
  resource: Resource,
  vocabulary: Vocabulary,
  options: CompileOptions,
  remotes: RemoteObjects,
  conditions: Conditions,
): Instanced {
  const object = readObject(resource, conditions);
  const remote = object !== undefined && isRemote(object);
  const parts = remote
    ? remoteParts(object.spec as InstanceSpec, resource.namespace, remotes)
    : object && instanceParts(object);
  rejectFor(resource, parts?.violations ?? [], conditions);
  const template = parts?.template;
  if (!template || parts.violations.length > 0)
    return { name: resource.name, resource, template: NO_TEMPLATE, rejected: true, checked: undefined };
  const name = fullName(resource.name, resource.kind, resource.namespace);
  const known = { name, resource, template };
  // Another service looks after instances of this kind; one condition each from that one is enough.
  if (!isOurs(template, options)) return { ...known, rejected: false, checked: undefined };
  const wire = remote ? remotes.templates.get(template.name) : undefined;
  const { params, shape, violations } = wire
    ? checkRemoteInstance(wire, parts.params, parts.paramsPath, vocabulary)
    : checkInstanceParams(template, parts, vocabulary);
  if (violations.length > 0) {
    rejectFor(resource, violations, conditions);
    return { ...known, rejected: true, checked: undefined };
  }
  conditions.accept(resource, "compiled", "Unused", "valid, but no rule that is in effect uses it");
  const checked = {
    name,
    shortName: resource.name,
    template,
    params,
    shape: { name, template: template.name, ...shape },
  };
  return { ...known, rejected: false, checked };
}

/** An instance of a template of adapters in processes of their own. */
function remoteParts(
  { template: reference = "", params }: InstanceSpec,
  namespace: string,
  remotes: RemoteObjects,
): InstanceParts {
  const wire = resolveReference(remotes.templates, reference, "template", namespace);
  const message = `there is no template "${reference}" (seen from namespace ${namespace})`;
  return {
    template: wire?.template,
    params,
    paramsPath: ["spec", "params"],
    violations: wire ? [] : [{ path: ["spec", "template"], message, reason: "MissingReference" }],
  };
}

/** Stands in for the template of an instance that was rejected: nothing reads it. */
const NO_TEMPLATE = TEMPLATES.get("checknothing") as Template;
