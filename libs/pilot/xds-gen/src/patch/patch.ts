import type { Bootstrap } from "@xebec/api-envoy/envoy/config/bootstrap/v3/bootstrap";
import type { Snapshot } from "@xebec/pilot-snapshot";
import type {
  BuiltCluster,
  BuiltExtensionConfig,
  BuiltFilterChain,
  BuiltHttpFilter,
  BuiltListener,
  BuiltNetworkFilter,
  BuiltRoute,
  BuiltRouteConfiguration,
  BuiltVirtualHost,
} from "../build/built.ts";
import type { ProxyClass } from "../scope/proxy-class.ts";

/** The points at which a late change applies, and what it gets there. */
export interface PatchTargets {
  readonly cluster: BuiltCluster;
  readonly listener: BuiltListener;
  readonly filterChain: BuiltFilterChain;
  readonly networkFilter: BuiltNetworkFilter;
  readonly httpFilter: BuiltHttpFilter;
  readonly routeConfiguration: BuiltRouteConfiguration;
  readonly virtualHost: BuiltVirtualHost;
  readonly route: BuiltRoute;
}

export type PatchPoint = keyof PatchTargets;

/** What a target is part of; only what there is around it is given. */
export interface PatchPlace {
  readonly listener?: BuiltListener;
  readonly filterChain?: BuiltFilterChain;
  /** The HTTP connection manager around an HTTP filter or a route table of its own. */
  readonly networkFilter?: BuiltNetworkFilter;
  /** The name of the route table. */
  readonly routeConfiguration?: string;
  readonly virtualHost?: BuiltVirtualHost;
}

/**
 * A late change of what builders made, such as an EnvoyFilter asks for, before it is encoded.
 *
 * A patch is a pure function: it returns the target as it is where it has nothing to change, a changed copy, or undefined to remove
 * it; it never changes the target itself, which others share. To add an object is to change the one around it. Whatever else it
 * wants to know it asks the scope, so that a change of that makes only those objects anew that it asked for.
 *
 * A patch that throws, or whose result cannot be encoded, is left out at that object; `EncodedResource.patchErrors` says so.
 * @template S the scope
 */
export interface Patch<S> {
  /** Key of the object that asks for the patch (`keyOf`). It is among the keys of all that the patch changes. */
  readonly configKey: string;
  /** Where the patch stands in the object: `spec.configPatches[0]`. */
  readonly path?: string;
  /** What it does at which points. */
  readonly at: { readonly [P in PatchPoint]?: PatchFunction<S, P> };
}

export type PatchFunction<S, P extends PatchPoint> = (
  scope: S,
  target: PatchTargets[P],
  place: PatchPlace,
) => PatchTargets[P] | undefined;

/** What may be added where nothing is around it that a patch could change. */
export type AdditionKind = "cluster" | "listener" | "virtualHost" | "extensionConfig" | "bootstrap";

/** Objects that a configuration object adds. Each function is pure; what throws adds nothing. */
export interface Addition<S> {
  /** Key of the object that asks for it. */
  readonly configKey: string;
  /** Where it stands in the object. */
  readonly path?: string;
  cluster?(scope: S): BuiltCluster | undefined;
  listener?(scope: S): BuiltListener | undefined;
  /** @param table the name of the route table */
  virtualHosts?(scope: S, table: string): readonly BuiltVirtualHost[];
  extensionConfig?(scope: S): BuiltExtensionConfig | undefined;
  /** What is merged into the bootstrap of a proxy. */
  bootstrap?(scope: S): Bootstrap | undefined;
}

/** One patch or addition of an object. */
export interface PatchId {
  readonly configKey: string;
  readonly path?: string;
}

/** A patch, whether it can be applied or not. */
export interface KnownPatch extends PatchId {
  /** Why it cannot be applied to anything. */
  readonly error?: string;
}

/** Where patches come from: one for each configuration kind that asks for them. */
export interface PatchSource<S> {
  /** Whether any patch is for a class of proxies at all: all others pay nothing for the source. */
  concerns?(proxyClass: ProxyClass): boolean;
  /**
   * The patches for a class of proxies, in the order in which they apply.
   * @param scope the class; what is read of it here makes the class's patches anew when it changes
   * @param point those that have nothing to do at this point may be left out, so that they make nothing anew there
   */
  patches(scope: S, point: PatchPoint): readonly Patch<S>[];
  /** What is added for a class of proxies, in the order in which it is. */
  additions?(scope: S, kind: AdditionKind): readonly Addition<S>[];
  /** Every patch and addition that there is, for whatever proxies. */
  all?(snapshot: Snapshot): Iterable<KnownPatch>;
}
