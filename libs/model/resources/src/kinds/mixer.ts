import { type Static, Type } from "typebox";
import { closed, literals } from "./common.ts";

/**
 * Mixer's kinds (docs/reference/mixer.md §7.1). The parameters of handlers and instances are checked by their adapter
 * or template.
 */
const open = { additionalProperties: true } as const;

const Action = Type.Object(
  {
    handler: Type.String({ minLength: 1 }),
    instances: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    name: Type.Optional(Type.String()),
  },
  closed,
);
const HeaderTemplate = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    values: Type.Optional(Type.Array(Type.String())),
    operation: Type.Optional(literals("REPLACE", "REMOVE", "APPEND")),
  },
  closed,
);

export const RuleSpec = Type.Object(
  {
    match: Type.Optional(Type.String()),
    actions: Type.Optional(Type.Array(Action)),
    requestHeaderOperations: Type.Optional(Type.Array(HeaderTemplate)),
    responseHeaderOperations: Type.Optional(Type.Array(HeaderTemplate)),
    sampling: Type.Optional(Type.Object({}, open)),
  },
  closed,
);
export type RuleSpec = Static<typeof RuleSpec>;

export const HandlerSpec = Type.Object(
  {
    compiledAdapter: Type.Optional(Type.String()),
    adapter: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    params: Type.Optional(Type.Object({}, open)),
    connection: Type.Optional(Type.Object({}, open)),
  },
  closed,
);
export type HandlerSpec = Static<typeof HandlerSpec>;

export const InstanceSpec = Type.Object(
  {
    compiledTemplate: Type.Optional(Type.String()),
    template: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    params: Type.Optional(Type.Object({}, open)),
    attributeBindings: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
);
export type InstanceSpec = Static<typeof InstanceSpec>;

export const AttributeManifestSpec = Type.Object(
  {
    revision: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    attributes: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object({ valueType: Type.Optional(Type.String()), description: Type.Optional(Type.String()) }, closed),
      ),
    ),
  },
  closed,
);
export type AttributeManifestSpec = Static<typeof AttributeManifestSpec>;

/** Kinds whose name is a template or an adapter: their whole spec is its parameters. */
export const ParametersSpec = Type.Object({}, open);
export const TEMPLATE_KINDS: readonly string[] =
  "apikey authorization checknothing listentry logentry metric quota reportnothing tracespan edge kubernetes".split(
    " ",
  );
export const ADAPTER_KINDS: readonly string[] =
  "bypass circonus cloudwatch denier dogstatsd fluentd kubernetesenv listchecker memquota noop opa prometheus rbac redisquota signalfx solarwinds stackdriver statsd stdio zipkin".split(
    " ",
  );
